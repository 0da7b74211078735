/* A program that does nothing: what exec costs. */
int main(void)
{
	return 0;
}
