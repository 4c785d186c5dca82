/* SPDX-License-Identifier: Apache-2.0 */
#include "host/json_file.h"

#include <stdlib.h>

#include "host/secret.h"

static bool is_dropped(const char *key)
{
	static const char *const names[] = {"Env",       "env",       "Args",   "args",
										"Cmd",       "Labels",    "labels", "Healthcheck",
										"LogConfig", "Entrypoint"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

static void mask_string(json_t *text)
{
	_cleanup_buf_ struct buf out = BUF(2 * JSON_FILE_MAX);

	if (!strchr(json_string_value(text), '@'))
		return;
	secret_mask_urls((struct str){json_string_value(text), json_string_length(text)}, &out);
	if (out.full || json_string_setn(text, out.p ? out.p : "", out.n) < 0)
		json_string_set(text, SECRET_MASK);
}

/* jansson lets nothing nest deeper than 2,048. */
static void mask(json_t *json)
{
	const char *key;
	json_t *item;
	void *next;
	size_t i;

	if (json_is_string(json))
		mask_string(json);
	json_array_foreach(json, i, item)
	{
		mask(item);
	}
	json_object_foreach_safe(json, next, key, item)
	{
		if (is_dropped(key))
			json_object_del(json, key);
		else if (json_is_string(item) && secret_is_name(str_of(key)))
			json_string_set(item, SECRET_MASK);
		else
			mask(item);
	}
}

static json_t *parse(struct str text, json_error_t *why)
{
	*why = (json_error_t){.text = "it is too large"};
	return text.n > JSON_FILE_MAX ? NULL : json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, why);
}

/* What is no JSON is not known to be free of secrets. Only where and why it is not stays. */
static void scrub(struct str text, struct buf *out)
{
	json_error_t why;
	_cleanup_json_ json_t *json = parse(text, &why);
	char *dumped;

	if (!json) {
		buf_printf(out, "%.20s", "not JSON");
		return;
	}
	mask(json);
	dumped = json_dumps(json, JSON_COMPACT);
	buf_puts(out, dumped ? dumped : "not JSON");
	free(dumped);
}

int json_file_read(struct host *host, const char *path, struct arena *a, json_t **ret,
				   struct err *err)
{
	json_error_t why;
	struct path_stat st;
	struct str text;
	int r = host_stat(host, path, true, &st, err);

	if (r == 0 && st.size > (int64_t)JSON_FILE_MAX)
		return err_set(err, EFBIG, "%s: larger than %zu KiB", path, JSON_FILE_MAX >> 10);
	if (r == 0)
		r = host_read_scrubbed(host, path, scrub, a, &text, err);
	if (r < 0)
		return r;
	*ret = parse(text, &why);
	return *ret ? 0 : err_set(err, EINVAL, "%s: not JSON that could be read", path);
}

struct str json_file_str(const json_t *object, const char *key, struct arena *a)
{
	const json_t *text = json_object_get(object, key);

	if (!json_is_string(text))
		return STR_ABSENT;
	return (struct str){arena_copy(a, json_string_value(text), json_string_length(text)),
						json_string_length(text)};
}
