/* SPDX-License-Identifier: Apache-2.0 */
#include "host/unpack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/path.h"
#include "host/library.h"

#define MAX_UNPACKED ((uint64_t)4 << 30)
#define INPUT_SIZE ((size_t)128 << 10)
#define LZMA_MEMORY ((uint64_t)128 << 20) /* xz -9 needs 65 MiB */

struct codec;

struct unpack {
	const struct codec *codec;
	void *library;
	int fd;
	bool end_of_file;
	bool complete; /* what was unpacked so far is a whole, so that the file may end here */
	char *input;   /* what was read and not yet unpacked is at..end */
	size_t at, end;
	void *state; /* the library's; for xz and gzip: a stream of ours */
	void *create, *step, *release;
};

/* run() unpacks from u->input into p: advances u->at, sets u->complete, returns the bytes it
 * made. */
struct codec {
	const char *suffix, *library;
	const char *create, *step, *release; /* the library's functions */
	int (*start)(struct unpack *);
	ssize_t (*run)(struct unpack *, void *p, size_t n);
	void (*stop)(struct unpack *);
};

/* --- lz4: lz4frame.h --------------------------------------------------------------------- */

static int lz4_start(struct unpack *u)
{
	size_t (*make)(void **, unsigned version) = (size_t(*)(void **, unsigned))u->create;

	return make(&u->state, 100) ? -ENOMEM : 0;
}

static ssize_t lz4_run(struct unpack *u, void *p, size_t n)
{
	size_t (*decompress)(void *, void *, size_t *, const void *, size_t *, const void *) =
		(size_t(*)(void *, void *, size_t *, const void *, size_t *, const void *))u->step;
	size_t made = n, used = u->end - u->at;
	size_t hint = decompress(u->state, p, &made, u->input + u->at, &used, NULL);

	/* Errors are the negative numbers of a few codes (LZ4F_isError). */
	if (hint > (size_t)-64)
		return -EBADMSG;
	u->at += used;
	if (used || made) /* without either it asks for another frame's header */
		u->complete = hint == 0;
	return (ssize_t)made;
}

static void lz4_stop(struct unpack *u)
{
	size_t (*release)(void *) = (size_t(*)(void *))u->release;

	release(u->state);
}

/* --- zstd: zstd.h ------------------------------------------------------------------------ */

struct zstd_buffer {
	void *p;
	size_t size, at;
};

static int zstd_start(struct unpack *u)
{
	void *(*make)(void) = (void *(*)(void))u->create;

	u->state = make();
	return u->state ? 0 : -ENOMEM;
}

static ssize_t zstd_run(struct unpack *u, void *p, size_t n)
{
	size_t (*decompress)(void *, struct zstd_buffer *, struct zstd_buffer *) =
		(size_t(*)(void *, struct zstd_buffer *, struct zstd_buffer *))u->step;
	struct zstd_buffer out = {p, n, 0}, in = {u->input + u->at, u->end - u->at, 0};
	size_t hint = decompress(u->state, &out, &in);

	if (hint > (size_t)-128) /* ZSTD_isError */
		return -EBADMSG;
	u->at += in.at;
	if (in.at || out.at)
		u->complete = hint == 0;
	return (ssize_t)out.at;
}

static void zstd_stop(struct unpack *u)
{
	size_t (*release)(void *) = (size_t(*)(void *))u->release;

	release(u->state);
}

/* --- xz: lzma.h --------------------------------------------------------------------------- */

/* The part of lzma.h that is needed, so that it does not have to be there when this is built. */
typedef struct {
	const uint8_t *next_in;
	size_t avail_in;
	uint64_t total_in;
	uint8_t *next_out;
	size_t avail_out;
	uint64_t total_out;
	const void *allocator;
	void *internal, *reserved_ptr[4];
	uint64_t reserved_u64[2];
	size_t reserved_size[2];
	int reserved_enum[2];
} lzma_stream;
enum { LZMA_OK = 0, LZMA_STREAM_END = 1, LZMA_BUF_ERROR = 10 };
enum { LZMA_RUN = 0, LZMA_FINISH = 3 };
enum { LZMA_CONCATENATED = 8 };

static int xz_start(struct unpack *u)
{
	int (*decoder)(lzma_stream *, uint64_t, uint32_t) =
		(int (*)(lzma_stream *, uint64_t, uint32_t))u->create;

	u->state = mem_calloc(1, sizeof(lzma_stream));
	return decoder(u->state, LZMA_MEMORY, LZMA_CONCATENATED) == LZMA_OK ? 0 : -ENOMEM;
}

static ssize_t xz_run(struct unpack *u, void *p, size_t n)
{
	int (*code)(lzma_stream *, int) = (int (*)(lzma_stream *, int))u->step;
	lzma_stream *stream = u->state;
	int r;

	stream->next_in = (const uint8_t *)u->input + u->at;
	stream->avail_in = u->end - u->at;
	stream->next_out = p;
	stream->avail_out = n;
	r = code(stream, u->end_of_file ? LZMA_FINISH : LZMA_RUN);
	u->at = u->end - stream->avail_in;
	u->complete = r == LZMA_STREAM_END;
	if (r != LZMA_OK && r != LZMA_STREAM_END && r != LZMA_BUF_ERROR)
		return -EBADMSG;
	return (ssize_t)(n - stream->avail_out);
}

static void xz_stop(struct unpack *u)
{
	void (*release)(lzma_stream *) = (void (*)(lzma_stream *))u->release;

	release(u->state);
	free(u->state);
}

/* --- gzip: zlib.h ------------------------------------------------------------------------ */

static int gzip_start(struct unpack *u)
{
	int (*init)(z_stream *, int, const char *, int) =
		(int (*)(z_stream *, int, const char *, int))u->create;

	u->state = mem_calloc(1, sizeof(z_stream));
	/* 15 bits of window; 16 more: a gzip header. */
	return init(u->state, 15 + 16, ZLIB_VERSION, (int)sizeof(z_stream)) == Z_OK ? 0 : -ENOMEM;
}

static void gzip_stop(struct unpack *u)
{
	int (*release)(z_stream *) = (int (*)(z_stream *))u->release;

	release(u->state);
	free(u->state);
	u->state = NULL;
}

static ssize_t gzip_run(struct unpack *u, void *p, size_t n)
{
	int (*inflate_)(z_stream *, int) = (int (*)(z_stream *, int))u->step;
	z_stream *stream = u->state;
	int r;

	/* Another member follows the one that ended. */
	if (u->complete && u->at < u->end) {
		gzip_stop(u);
		if (gzip_start(u) < 0)
			return -ENOMEM;
		stream = u->state;
		u->complete = false;
	}
	if (u->complete)
		return 0;
	stream->next_in = (unsigned char *)u->input + u->at;
	stream->avail_in = (unsigned)(u->end - u->at);
	stream->next_out = p;
	stream->avail_out = (unsigned)MIN(n, (size_t)INT32_MAX);
	n = stream->avail_out;
	r = inflate_(stream, Z_NO_FLUSH);
	u->at = u->end - stream->avail_in;
	u->complete = r == Z_STREAM_END;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return -EBADMSG;
	return (ssize_t)(n - stream->avail_out);
}

static const struct codec codecs[] = {
	{".lz4", "liblz4.so.1", "LZ4F_createDecompressionContext", "LZ4F_decompress",
	 "LZ4F_freeDecompressionContext", lz4_start, lz4_run, lz4_stop},
	{".zst", "libzstd.so.1", "ZSTD_createDStream", "ZSTD_decompressStream", "ZSTD_freeDStream",
	 zstd_start, zstd_run, zstd_stop},
	{".xz", "liblzma.so.5", "lzma_stream_decoder", "lzma_code", "lzma_end", xz_start, xz_run,
	 xz_stop},
	{".gz", "libz.so.1", "inflateInit2_", "inflate", "inflateEnd", gzip_start, gzip_run, gzip_stop},
	{".bz2", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

/* --- the stream --------------------------------------------------------------------------- */

static int fill(struct unpack *u)
{
	ssize_t got;

	do {
		got = read(u->fd, u->input, INPUT_SIZE);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	u->at = 0;
	u->end = (size_t)got;
	u->end_of_file = got == 0;
	return 0;
}

static ssize_t read_plain(struct unpack *u, void *p, size_t n)
{
	ssize_t got;

	do {
		got = read(u->fd, p, n);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

ssize_t unpack_read(struct unpack *u, void *p, size_t n)
{
	if (!u->codec)
		return read_plain(u, p, n);
	for (;;) {
		ssize_t made;
		size_t before = u->at;
		int r = u->at == u->end && !u->end_of_file ? fill(u) : 0;

		if (r < 0)
			return r;
		made = u->codec->run(u, p, n);
		if (made)
			return made;
		if (u->at == u->end && u->end_of_file)
			return u->complete ? 0 : -EBADMSG;
		if (u->at == before && before < u->end)
			return -EBADMSG; /* neither takes nor gives */
	}
}

static int load(struct unpack *u, struct err *err)
{
	const struct codec *c = u->codec;
	struct library_symbol symbols[] = {
		{c->create, &u->create}, {c->step, &u->step}, {c->release, &u->release}};
	int r;

	if (!c->library)
		return err_set(err, ENOTSUP, "files that end in %s are not read", c->suffix);
	r = library_open(c->library, symbols, ARRAY_LEN(symbols), &u->library, err);
	if (r < 0)
		return r;
	r = c->start(u);
	return r < 0 ? err_errno(err, -r, "%s", c->library) : 0;
}

int unpack_open(int fd, const char *name, struct unpack **ret, struct err *err)
{
	struct unpack *u = mem_calloc(1, sizeof(*u));
	int r = 0;

	u->fd = fd;
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
		if (str_ends(str_of(name), codecs[i].suffix))
			u->codec = &codecs[i];
	if (u->codec) {
		u->input = mem_calloc(1, INPUT_SIZE);
		u->complete = true; /* an empty file is an empty list */
		r = load(u, err);
	}
	if (r < 0) {
		unpack_free(u);
		return r;
	}
	*ret = u;
	return 0;
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	if (u->state)
		u->codec->stop(u);
	library_close(u->library);
	close_fd(&u->fd);
	free(u->input);
	free(u);
}

int unpack_open_path(int root_fd, const char *path, struct unpack **ret, struct err *err)
{
	int fd = path_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_errno(err, -fd, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, EINVAL, "%s: not a regular file", path);
	}
	return unpack_open(fd, path, ret, err) < 0 ? err_context(err, "%s", path) : 0;
}

static int give_pieces(struct unpack *u, char *piece,
					   size_t (*take)(void *data, struct str, bool last), void *data)
{
	uint64_t total = 0;
	size_t n = 0;

	for (;;) {
		ssize_t got = unpack_read(u, piece + n, UNPACK_PIECE - n);
		size_t used;

		if (got < 0)
			return (int)got;
		n += (size_t)got;
		total += (size_t)got;
		used = take(data, (struct str){piece, n}, got == 0);
		if (got == 0)
			return 0;
		n -= used;
		memmove(piece, piece + used, n);
		if (n == UNPACK_PIECE || total > MAX_UNPACKED)
			return -EFBIG;
	}
}

int unpack_each(struct unpack *u, size_t (*take)(void *data, struct str, bool last), void *data)
{
	char *piece = mem_calloc(1, UNPACK_PIECE);
	int r = give_pieces(u, piece, take, data);

	free(piece);
	return r;
}
