# Boot stubs and the translation of loader data into struct bootinfo.
KOBJS +=
