/* The buddy allocator: blocks of 2^order frames, per zone (Knuth, TAOCP vol. 1, 2.5).
 *
 * A free block is described by its first frame: PG_BUDDY set, order in page->order, linked in
 * zone->area[order]. All other free frames have flags 0. A block's buddy lies in the same block of
 * MAX_ORDER, and mem_init maps the memmap in units of such blocks, so that looking at a buddy's struct
 * page needs no check whether there is RAM. Everything here runs under zone->lock, which is taken with
 * interrupts off and under which no other lock is taken. */
#include "alloc_priv.h"
#include <log/panic.h>

struct zone zones[NR_ZONES];

void zones_init(void)
{
	static const char *const names[NR_ZONES] = {"DMA32", "Normal"};

	for (unsigned i = 0; i < NR_ZONES; i++) {
		spin_init(&zones[i].lock);
		zones[i].name = names[i];
		zones[i].start_pfn = ~0ul;
		for (unsigned o = 0; o <= MAX_ORDER; o++)
			list_init(&zones[i].area[o].blocks);
	}
}

static inline void link_block(struct zone *z, struct page *p, unsigned order)
{
	p->flags = 1u << PG_BUDDY;
	p->order = (u8)order;
	list_add(&p->buddy_list, &z->area[order].blocks);
	z->area[order].count++;
}

static inline void unlink_block(struct zone *z, struct page *p, unsigned order)
{
	list_del(&p->buddy_list);
	p->flags = 0;
	z->area[order].count--;
}

struct page *buddy_take(struct zone *z, unsigned order)
{
	for (unsigned o = order; o <= MAX_ORDER; o++) {
		struct free_area *a = &z->area[o];
		struct page *p;

		if (list_empty(&a->blocks))
			continue;
		p = list_first_entry(&a->blocks, struct page, buddy_list);
		unlink_block(z, p, o);
		while (o > order) {
			o--;
			link_block(z, p + (1ul << o), o);
		}
		z->nr_free -= 1ul << order;
		return p;
	}
	return NULL;
}

void buddy_give(struct zone *z, struct page *p, unsigned order)
{
	u64 pfn = page_to_pfn(p).v;

	z->nr_free += 1ul << order;
	p->flags = 0;
	while (order < MAX_ORDER) {
		struct page *b = pfn_to_page((pfn_t){pfn ^ 1ul << order});

		if (b->flags != 1u << PG_BUDDY || b->order != order)
			break;
		unlink_block(z, b, order);
		pfn &= ~(1ul << order);
		order++;
	}
	link_block(z, pfn_to_page((pfn_t){pfn}), order);
}

void zone_set_marks(struct zone *z)
{
	/* 1/128 of the zone, at most 16 MiB: enough for interrupt handlers and for reclaim's own needs. */
	u64 base = min_t(u64, z->managed / 128, 4096);

	z->mark_min = base / 4;
	z->mark_kernel = base;
	z->mark_user = base * 2;
}

void zone_add_range(struct range r)
{
	u64 pfn = r.start >> PAGE_SHIFT, end = r.end >> PAGE_SHIFT;
	unsigned long f;

	while (pfn < end) {
		unsigned zi = pfn_zone((pfn_t){pfn});
		struct zone *z = &zones[zi];
		unsigned order = MAX_ORDER;

		while (pfn & ((1ul << order) - 1) || pfn + (1ul << order) > end)
			order--;
		spin_lock_irqsave(&z->lock, f);
		z->start_pfn = min(z->start_pfn, pfn);
		z->end_pfn = max(z->end_pfn, pfn + (1ul << order));
		z->managed += 1ul << order;
		buddy_give(z, pfn_to_page((pfn_t){pfn}), order);
		spin_unlock_irqrestore(&z->lock, f);
		pfn += 1ul << order;
	}
	for (unsigned i = 0; i < NR_ZONES; i++) {
		spin_lock_irqsave(&zones[i].lock, f);
		zone_set_marks(&zones[i]);
		spin_unlock_irqrestore(&zones[i].lock, f);
	}
}
