/* Intrusive doubly linked lists (struct list) and hash chains (struct hlist). Pure: no locks. */
#pragma once
#include <lib/types.h>

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}
#define LIST_HEAD(name) struct list name = LIST_INIT(name)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
	return READ_ONCE(l->next) == l;
}
static inline void __list_insert(struct list *n, struct list *prev, struct list *next)
{
	next->prev = n;
	n->next = next;
	n->prev = prev;
	WRITE_ONCE(prev->next, n);
}
/* Insert n right behind head (as first element). */
static inline void list_add(struct list *n, struct list *head)
{
	__list_insert(n, head, head->next);
}
/* Insert n right before head (as last element). */
static inline void list_add_tail(struct list *n, struct list *head)
{
	__list_insert(n, head->prev, head);
}
/* Unlink; n's own pointers are reset to itself, so list_empty(n) tells "not on a list". */
static inline void list_del(struct list *n)
{
	n->next->prev = n->prev;
	WRITE_ONCE(n->prev->next, n->next);
	n->next = n->prev = n;
}
static inline void list_move(struct list *n, struct list *head)
{
	list_del(n);
	list_add(n, head);
}
static inline void list_move_tail(struct list *n, struct list *head)
{
	list_del(n);
	list_add_tail(n, head);
}
/* Move all of src to the end of dst; src becomes empty. */
static inline void list_splice_tail(struct list *src, struct list *dst)
{
	if (list_empty(src))
		return;
	src->next->prev = dst->prev;
	dst->prev->next = src->next;
	src->prev->next = dst;
	dst->prev = src->prev;
	list_init(src);
}

#define list_entry(p, type, member)	  container_of(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_last_entry(h, type, member)  list_entry((h)->prev, type, member)
#define list_first_entry_or_null(h, type, member) \
	(list_empty(h) ? NULL : list_first_entry(h, type, member))
#define list_next_entry(p, member) list_entry((p)->member.next, __typeof__(*(p)), member)
#define list_prev_entry(p, member) list_entry((p)->member.prev, __typeof__(*(p)), member)
#define list_for_each(p, head)	   for (struct list *p = (head)->next; p != (head); p = p->next)
#define list_for_each_entry(p, head, member)                                           \
	for (p = list_first_entry(head, __typeof__(*p), member); &p->member != (head); \
	     p = list_next_entry(p, member))
#define list_for_each_entry_safe(p, n, head, member)                                             \
	for (p = list_first_entry(head, __typeof__(*p), member), n = list_next_entry(p, member); \
	     &p->member != (head); p = n, n = list_next_entry(n, member))

struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist {
	struct hlist_node *first;
};
static inline void hlist_add(struct hlist_node *n, struct hlist *h)
{
	n->next = h->first;
	n->pprev = &h->first;
	if (h->first)
		h->first->pprev = &n->next;
	/* Release: a lock-free (RCU) reader that sees n sees its contents. */
	__atomic_store_n(&h->first, n, __ATOMIC_RELEASE);
}
static inline bool hlist_unhashed(const struct hlist_node *n)
{
	return !n->pprev;
}
/* Unlink, leaving n->next intact for concurrent RCU readers. */
static inline void hlist_del(struct hlist_node *n)
{
	if (!n->pprev)
		return;
	WRITE_ONCE(*n->pprev, n->next);
	if (n->next)
		n->next->pprev = n->pprev;
	n->pprev = NULL;
}
#define hlist_entry_or_null(ptr, type, member)                  \
	({                                                      \
		struct hlist_node *__hn = (ptr);                \
		__hn ? container_of(__hn, type, member) : NULL; \
	})
#define hlist_for_each_entry(p, head, member)                                              \
	for (p = hlist_entry_or_null(READ_ONCE((head)->first), __typeof__(*p), member); p; \
	     p = hlist_entry_or_null(READ_ONCE(p->member.next), __typeof__(*p), member))
