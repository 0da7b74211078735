# Devices; each folder lists its own.
include drivers/tty/objs.mk drivers/char/objs.mk
include drivers/video/objs.mk
include drivers/input/objs.mk
