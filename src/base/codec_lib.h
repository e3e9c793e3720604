/*
 * codec_lib: what base/codec.c and base/unpack.c use of the compression libraries; codec_load fills in what belongs to a codec.
 */
#ifndef BASE_CODEC_LIB_H
#define BASE_CODEC_LIB_H

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

/* By the types of the libraries' own headers. */
struct codec_lib {
	__typeof__(deflateInit2_) *deflate_init;
	__typeof__(deflate) *deflate;
	__typeof__(deflateBound) *deflate_bound;
	__typeof__(deflateEnd) *deflate_end;
	__typeof__(inflateInit2_) *inflate_init;
	__typeof__(inflate) *inflate;
	__typeof__(inflateReset) *inflate_reset;
	__typeof__(inflateEnd) *inflate_end;
	__typeof__(zlibVersion) *version;
	__typeof__(snappy_compress) *snappy_compress;
	__typeof__(snappy_uncompress) *snappy_uncompress;
	__typeof__(snappy_max_compressed_length) *snappy_bound;
	__typeof__(snappy_uncompressed_length) *snappy_length;
	__typeof__(LZ4F_compressFrame) *lz4_compress;
	__typeof__(LZ4F_compressFrameBound) *lz4_bound;
	__typeof__(LZ4F_isError) *lz4_is_error;
	__typeof__(LZ4F_createDecompressionContext) *lz4_open;
	__typeof__(LZ4F_decompress) *lz4_decompress;
	__typeof__(LZ4F_freeDecompressionContext) *lz4_close;
	__typeof__(ZSTD_compress) *zstd_compress;
	__typeof__(ZSTD_compressBound) *zstd_bound;
	__typeof__(ZSTD_isError) *zstd_is_error;
	__typeof__(ZSTD_createDStream) *zstd_open;
	__typeof__(ZSTD_decompressStream) *zstd_decompress;
	__typeof__(ZSTD_freeDStream) *zstd_close;
};

extern struct codec_lib codec_lib;

#endif
