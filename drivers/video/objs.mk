# Screens: framebuffer and VGA text. The fonts are unpacked into the build folder and included there.
KOBJS += drivers/video/screen.o drivers/video/fbscreen.o drivers/video/fbcon.o drivers/video/psf.o \
	drivers/video/vgatext.o drivers/video/fonts.o drivers/video/video_test.o

$(B)/fonts/%.psf: third_party/fonts/%.psf.gz
	@mkdir -p $(@D)
	$(Q)gzip -dc $< > $@
$(B)/drivers/video/fonts.o: $(B)/fonts/Uni2-Terminus16.psf $(B)/fonts/Uni2-Terminus32x16.psf
