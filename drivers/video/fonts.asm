; The console fonts (Terminus, from Debian's console-setup-linux), unpacked by objs.mk.
section .rodata
global font_small, font_small_end, font_large, font_large_end
align 16
font_small:
	incbin "fonts/Uni2-Terminus16.psf"
font_small_end:
align 16
font_large:
	incbin "fonts/Uni2-Terminus32x16.psf"
font_large_end:
