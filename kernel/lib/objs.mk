# Pure algorithms: each file also builds on the host (-DHOST_TEST).
KOBJS += kernel/lib/string.o kernel/lib/printf.o kernel/lib/parse.o kernel/lib/bits.o kernel/lib/rbtree.o \
	kernel/lib/radix.o kernel/lib/idr.o kernel/lib/sort.o kernel/lib/crc32.o kernel/lib/cpio.o kernel/lib/utf8.o kernel/lib/utf8_test.o \
	kernel/lib/errname.o kernel/lib/string_test.o kernel/lib/printf_test.o kernel/lib/tree_test.o \
	kernel/lib/misc_test.o kernel/lib/chacha20.o kernel/lib/blake2s.o kernel/lib/crypto_test.o kernel/lib/elf_check.o kernel/lib/elf_check_test.o

# The memory functions must not be recognised as themselves.
ifneq ($(CC),clang)
CFLAGS_kernel_lib_string := -fno-tree-loop-distribute-patterns
endif

# Decompressors: our frames around the block decoders of zlib, zstd and lz4.
KOBJS += $(addprefix kernel/lib/decompress/, decompress.o gunzip.o unzstd.o unlz4.o decompress_test.o)
DECODERS := third_party/zlib/inflate.o third_party/zlib/inftrees.o third_party/zlib/inffast.o \
	third_party/zlib/adler32.o third_party/lz4/lib/lz4.o third_party/lz4/lib/xxhash.o \
	$(addprefix third_party/zstd/lib/, common/entropy_common.o common/error_private.o \
	common/fse_decompress.o common/xxhash.o common/zstd_common.o decompress/huf_decompress.o \
	decompress/zstd_ddict.o decompress/zstd_decompress.o decompress/zstd_decompress_block.o)
KOBJS += $(DECODERS)

# Third-party sources are there after this script ran; make runs it when they are not.
third_party/.stamp: tools/fetch-third-party.sh
	$(Q)tools/fetch-third-party.sh && touch $@
$(DECODERS:.o=.c): third_party/.stamp ;
$(addprefix $(B)/kernel/lib/decompress/, decompress.o gunzip.o unzstd.o unlz4.o): | third_party/.stamp

ZLIB_FLAGS := -DZ_SOLO -DNO_GZIP -DHAVE_MEMCPY
LZ4_FLAGS  := -DLZ4_FREESTANDING=1 -DLZ4_memcpy=__builtin_memcpy -DLZ4_memset=__builtin_memset \
	-DLZ4_memmove=__builtin_memmove -DXXH_NAMESPACE=LZ4_
ZSTD_FLAGS := -DZSTD_DISABLE_ASM=1 -DDYNAMIC_BMI2=0 -DZSTD_LEGACY_SUPPORT=0 -DZSTD_STRIP_ERROR_STRINGS=1
CFLAGS_kernel_lib_decompress_gunzip := $(ZLIB_FLAGS) -isystem third_party/zlib
CFLAGS_kernel_lib_decompress_unzstd := -Ikernel/lib/shim -isystem third_party/zstd/lib
CFLAGS_kernel_lib_decompress_unlz4  := $(LZ4_FLAGS) -Ikernel/lib/shim -isystem third_party/lz4/lib
define DECODER_FLAGS
CFLAGS_$(subst /,_,$(1:.o=)) := -w -Ikernel/lib/shim -include include/lib/string.h \
	$(if $(findstring zlib,$1),$(ZLIB_FLAGS),$(if $(findstring zstd,$1),$(ZSTD_FLAGS),$(LZ4_FLAGS)))
endef
$(foreach o,$(DECODERS),$(eval $(call DECODER_FLAGS,$o)))
