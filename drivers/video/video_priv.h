/* Between the files of drivers/video. */
#pragma once
#include <drivers/screen.h>
#include <init/bootinfo.h>

/* A PC screen font (PSF 1 or 2) and its Unicode table. */
struct psf_map {
	u32 ch;
	u16 glyph;
};
struct psf {
	const u8 *glyphs;
	u32 count, bytes, width, height; /* glyphs, bytes of each, pixels */
	struct psf_map *map;		 /* sorted by ch */
	u32 map_len;
	u16 latin[256]; /* glyph of the first 256 code points */
	u16 unknown;
};
/* 0, -EINVAL (not a font or cut short), -ENOMEM. data stays in use. */
int psf_parse(struct psf *f, const void *data, size_t n) __must_check;
void psf_free(struct psf *f);
u16 psf_glyph(const struct psf *f, u32 ch);

/* A renderer on any memory that looks like a linear framebuffer. */
struct fbscreen {
	struct screen s;
	u8 *mem;
	u32 pitch, width, height, bytes; /* bytes per pixel */
	struct boot_framebuffer fmt;
	const struct psf *font;
};
/* Geometry and format are taken from fmt; memory at mem. 0, -EINVAL, -ENOMEM. */
int fbscreen_init(struct fbscreen *f, const struct boot_framebuffer *fmt, void *mem,
		  const struct psf *font) __must_check;
u32 fbscreen_pixel(const struct fbscreen *f, u32 rgb);

int screen_init_common(struct screen *s);
struct screen *fbcon_probe(void);   /* NULL: no framebuffer */
struct screen *vgatext_probe(void); /* NULL: no VGA in text mode */
u8 vgatext_cp437(u32 ch);	    /* '?' when there is none */
