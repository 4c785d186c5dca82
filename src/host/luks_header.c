/* SPDX-License-Identifier: Apache-2.0 */
#include "host/luks_header.h"

#include <endian.h>
#include <jansson.h>

#include "base/num.h"
#include "host/json_file.h"

#define MAGIC "LUKS\xba\xbe"
#define SLOTS_1 8
#define SLOT_IN_USE 0x00ac71f3
#define BINARY_2 4096 /* bytes in front of the JSON */

/* Numbers are big-endian, texts end with a NUL or with their field. */
struct header_1 {
	char magic[6];
	uint8_t version[2];
	char cipher[32], mode[32], hash[32];
	uint8_t payload_offset[4], key_bytes[4];
	uint8_t digest[20], digest_salt[32], digest_iterations[4];
	char uuid[40];
	struct {
		uint8_t active[4], iterations[4], salt[32], offset[4], stripes[4];
	} slots[SLOTS_1];
};
_Static_assert(sizeof(struct header_1) == 592, "as section 2.1 of the specification has it");

static struct str text(struct arena *a, const char *p, size_t n)
{
	n = strnlen(p, n);
	return (struct str){arena_copy(a, p, n), n};
}

static unsigned version_of(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (s.n < LUKS_FIRST || memcmp(p, MAGIC, sizeof(MAGIC) - 1) != 0)
		return 0;
	return (unsigned)p[6] << 8 | p[7];
}

size_t luks_header_size(struct str first)
{
	uint64_t size;

	switch (version_of(first)) {
	case 1:
		return sizeof(struct header_1);
	case 2:
		memcpy(&size, first.p + 8, sizeof(size));
		return (size_t)MIN(be64toh(size), (uint64_t)SIZE_MAX);
	default:
		return 0;
	}
}

static void read_1(struct arena *a, struct str bytes, struct luks_header *ret)
{
	struct header_1 h;

	memcpy(&h, bytes.p, sizeof(h));
	*vec_push(a, &ret->ciphers) =
		str_of(arena_printf(a, "%.*s-%.*s", (int)strnlen(h.cipher, sizeof(h.cipher)), h.cipher,
							(int)strnlen(h.mode, sizeof(h.mode)), h.mode));
	for (unsigned i = 0; i < SLOTS_1; i++)
		if (num_be32(h.slots[i].active) == SLOT_IN_USE)
			*vec_push(a, &ret->slots) = (struct luks_slot){
				.number = i,
				.key_bits = (unsigned)MIN(num_be32(h.key_bytes), 1u << 20) * 8,
				.kdf = STR("pbkdf2"),
				.hash = text(a, h.hash, sizeof(h.hash)),
				.iterations = num_be32(h.slots[i].iterations),
			};
}

static int64_t number(const json_t *object, const char *key, int64_t max)
{
	int64_t n = json_integer_value(json_object_get(object, key)); /* 0: none */

	return n > 0 && n <= max ? n : 0;
}

static int read_slot(struct arena *a, const char *name, const json_t *slot, struct luks_slot *ret)
{
	const json_t *kdf = json_object_get(slot, "kdf");
	uint64_t n;

	if (num_u64(str_of(name), 0, 1000, &n) < 0)
		return -EINVAL;
	*ret = (struct luks_slot){
		.number = (unsigned)n,
		.key_bits = (unsigned)number(slot, "key_size", 1 << 20) * 8,
		.kdf = json_file_str(kdf, "type", a),
		.hash = json_file_str(kdf, "hash", a),
		.iterations = number(kdf, "iterations", UINT32_MAX) + number(kdf, "time", UINT32_MAX),
		.memory = number(kdf, "memory", UINT32_MAX) * 1024, /* written in KiB */
	};
	return ret->kdf.p ? 0 : -EINVAL;
}

/* Of "tokens" those whose list "keyslots" has the slot. */
static void add_tokens(struct arena *a, const char *name, json_t *tokens, struct luks_slot *slot)
{
	const char *key;
	json_t *token, *item;
	size_t i;

	json_object_foreach(tokens, key, token)
	{
		json_array_foreach(json_object_get(token, "keyslots"), i, item)
		{
			struct str type = json_file_str(token, "type", a);

			if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
				*vec_push(a, &slot->tokens) = type.p ? type : STR("");
		}
	}
}

/* One that is in the middle of being encrypted anew has a slot for that, and several segments. */
static int read_json(struct arena *a, json_t *root, struct luks_header *ret)
{
	json_t *slots = json_object_get(root, "keyslots"),
		   *segments = json_object_get(root, "segments");
	const char *key;
	json_t *item;

	if (!json_is_object(slots) || !json_is_object(segments))
		return -EINVAL;
	json_object_foreach(segments, key, item)
	{
		struct str cipher = json_file_str(item, "encryption", a);

		if (str_eq(json_file_str(item, "type", a), STR("linear")))
			cipher = STR("none");
		if (!cipher.p)
			return -EINVAL;
		*vec_push(a, &ret->ciphers) = cipher;
	}
	json_object_foreach(slots, key, item)
	{
		struct luks_slot slot;

		if (str_is(json_file_str(item, "type", a), "reencrypt"))
			continue;
		if (read_slot(a, key, item, &slot) < 0)
			return -EINVAL;
		add_tokens(a, key, json_object_get(root, "tokens"), &slot);
		*vec_push(a, &ret->slots) = slot;
	}
	return ret->ciphers.n ? 0 : -EINVAL;
}

static int read_2(struct arena *a, struct str bytes, struct luks_header *ret)
{
	size_t size = luks_header_size(bytes);
	_cleanup_json_ json_t *root = NULL;
	json_error_t why;

	if (size <= BINARY_2 || bytes.n < size)
		return -EINVAL;
	root = json_loadb(bytes.p + BINARY_2, strnlen(bytes.p + BINARY_2, size - BINARY_2),
					  JSON_REJECT_DUPLICATES, &why);
	return root ? read_json(a, root, ret) : -EINVAL;
}

int luks_header_read(struct arena *a, struct str bytes, struct luks_header *ret, struct err *err)
{
	*ret = (struct luks_header){.version = version_of(bytes)};
	if (ret->version != 1 && ret->version != 2)
		return err_set(err, ENOENT, "there is no header of LUKS");
	if (luks_header_size(bytes) > LUKS_MAX)
		return err_set(err, EFBIG, "its header is larger than %zu KiB", LUKS_MAX >> 10);
	if (ret->version == 1)
		read_1(a, bytes, ret);
	else if (read_2(a, bytes, ret) < 0)
		return err_set(err, EINVAL, "its header cannot be read");
	return 0;
}
