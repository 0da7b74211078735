/* Memory figures of procfs: meminfo, vmstat, buddyinfo, zoneinfo, slabinfo (proc(5)). The figures belong to
 * mm/, which lies below fs/; here they are only shown. Each file is one snapshot, taken counter by counter
 * without stopping the machine. */
#include <alloc/page.h>
#include <alloc/slab.h>
#include <arch/smp.h>
#include <fs/procfs.h>
#include <init/initcall.h>
#include <lib/string.h>

#define KIB(pages) ((pages) << (PAGE_SHIFT - 10))

/* What programs may take without pushing the machine into trouble: free pages above the kernel's reserve
 * and the part of caches that goes without pain. */
static u64 available(const struct mem_stats *m)
{
	u64 reserve = 0, cache = m->file > m->shmem ? m->file - m->shmem : 0;
	struct mem_zone z;

	for (unsigned i = 0; i < MEM_ZONES; i++) {
		mem_zone_get(i, &z);
		reserve += z.high;
	}
	u64 v = m->free + cache - min(cache / 2, reserve) + m->slab_reclaimable / 2;
	return v > reserve ? v - reserve : 0;
}

u64 mem_available(void)
{
	struct mem_stats m;

	mem_stats_get(&m);
	return available(&m);
}

static void line(struct seq *s, const char *name, u64 pages)
{
	char label[24];

	snprintf(label, sizeof(label), "%s:", name);
	seq_printf(s, "%-16s%8lu kB\n", label, KIB(pages));
}

static int show_meminfo(struct seq *s, void *arg)
{
	struct mem_stats m;

	mem_stats_get(&m);
	line(s, "MemTotal", m.total);
	line(s, "MemFree", m.free);
	line(s, "MemAvailable", available(&m));
	line(s, "Buffers", 0);
	line(s, "Cached", m.file);
	line(s, "SwapCached", 0);
	line(s, "SwapTotal", 0);
	line(s, "SwapFree", 0);
	line(s, "Dirty", m.dirty);
	line(s, "Writeback", m.writeback);
	line(s, "AnonPages", m.anon);
	line(s, "Mapped", m.mapped);
	line(s, "Shmem", m.shmem);
	line(s, "KReclaimable", m.slab_reclaimable);
	line(s, "Slab", m.slab);
	line(s, "SReclaimable", m.slab_reclaimable);
	line(s, "SUnreclaim", m.slab > m.slab_reclaimable ? m.slab - m.slab_reclaimable : 0);
	line(s, "KernelStack", m.kstacks);
	line(s, "PageTables", m.pagetables);
	line(s, "VmallocTotal", (vmalloc_end - vmalloc_base) >> PAGE_SHIFT);
	line(s, "VmallocUsed", m.vmalloc + m.kstacks);
	seq_puts(s, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
		    "HugePages_Surp:        0\nHugepagesize:       2048 kB\n");
	return 0;
}

static int show_vmstat(struct seq *s, void *arg)
{
	struct mem_stats m;

	mem_stats_get(&m);
	seq_printf(s,
		   "nr_free_pages %lu\nnr_anon_pages %lu\nnr_mapped %lu\nnr_file_pages %lu\n"
		   "nr_dirty %lu\nnr_writeback %lu\nnr_shmem %lu\nnr_slab_reclaimable %lu\n"
		   "nr_slab_unreclaimable %lu\nnr_kernel_stack %lu\nnr_page_table_pages %lu\n",
		   m.free, m.anon, m.mapped, m.file, m.dirty, m.writeback, m.shmem,
		   m.slab_reclaimable, m.slab - min(m.slab, m.slab_reclaimable), KIB(m.kstacks),
		   m.pagetables);
	return 0;
}

static int show_buddyinfo(struct seq *s, void *arg)
{
	struct mem_zone z;

	for (unsigned i = 0; i < MEM_ZONES; i++) {
		mem_zone_get(i, &z);
		if (!z.managed)
			continue;
		seq_printf(s, "Node 0, zone %8s ", z.name);
		for (unsigned o = 0; o <= MAX_ORDER; o++)
			seq_printf(s, "%6lu ", z.blocks[o]);
		seq_putc(s, '\n');
	}
	return 0;
}

static int show_zoneinfo(struct seq *s, void *arg)
{
	struct mem_zone z;

	for (unsigned i = 0; i < MEM_ZONES; i++) {
		mem_zone_get(i, &z);
		if (!z.managed)
			continue;
		seq_printf(
			s,
			"Node 0, zone %8s\n  pages free     %lu\n        min      %lu\n"
			"        low      %lu\n        high     %lu\n        spanned  %lu\n"
			"        managed  %lu\n  per-cpu pages  %lu\n  start_pfn:           %lu\n",
			z.name, z.free, z.min, z.low, z.high, z.end_pfn - z.start_pfn, z.managed,
			z.pcp, z.start_pfn);
	}
	return 0;
}

static void slab_line(const struct slab_info *i, void *arg)
{
	seq_printf(arg,
		   "%-17s %6lu %6lu %6lu %4lu %4lu : tunables %4u %4u %4u : slabdata %6lu %6lu 0\n",
		   i->name, i->active, i->total, i->size, i->per_slab, 1ul << i->order, 0, 0, 0,
		   i->slabs, i->slabs);
}

static int show_slabinfo(struct seq *s, void *arg)
{
	seq_puts(s, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> "
		    "<objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : "
		    "slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	slab_for_each(slab_line, s);
	return 0;
}

static int mem_files(void)
{
	int err = proc_create("meminfo", 0444, show_meminfo, NULL, NULL);

	if (!err)
		err = proc_create("vmstat", 0444, show_vmstat, NULL, NULL);
	if (!err)
		err = proc_create("buddyinfo", 0444, show_buddyinfo, NULL, NULL);
	if (!err)
		err = proc_create("zoneinfo", 0444, show_zoneinfo, NULL, NULL);
	if (!err)
		err = proc_create("slabinfo", 0400, show_slabinfo, NULL, NULL);
	return err;
}
INITCALL(fs, mem_files);
