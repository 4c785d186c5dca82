/* SPDX-License-Identifier: Apache-2.0 */
#include "change/names.h"

#include <arpa/inet.h>
#include <grp.h>
#include <time.h>
#include <unistd.h>

#include "base/exec.h"
#include "base/num.h"
#include "base/path.h"
#include "change/change.h"
#include "change/fs.h"
#include "host/site_ruleset.h"

#define KEPT CHANGE_STATE_DIR "/names"
#define MAX_KEPT ((size_t)4 << 20)
#define MAX_NAMES 1000
#define MAX_ADDRESSES 64 /* of one name */
#define AT_ONCE 16
#define WAIT_MS 8000
#define DAY 86400
#define NOBODY 65534

struct address {
	const char *text;
	bool v6;
	int64_t seen;
};

struct name {
	struct str text;
	VEC(struct address) addresses;
	bool resolved;
};

typedef VEC(struct name) names;

/* --- which ------------------------------------------------------------------------------------------ */

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
			  s.p[i] == '.' || (i && s.p[i] == '-')))
			return false;
	return s.n > 0;
}

/* "set name4.NAME {": each name has one for both families, in the same order. */
static bool next_name(struct str *table, struct str *ret)
{
	struct str line, word;

	while (str_line(table, &line)) {
		if (!str_word(&line, &word) || !str_is(word, "set") || !str_word(&line, ret))
			continue;
		if (str_skip(ret, SITE_NAME4) && is_plain(*ret))
			return true;
	}
	return false;
}

static struct name *find(names *all, struct str text)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->p[i].text, text))
			return &all->p[i];
	return NULL;
}

static void add_address(struct arena *a, struct name *name, struct str text, int64_t seen)
{
	unsigned char bytes[16];
	const char *address = str_dup(a, text);
	bool v6 = str_has_char(text, ':');

	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, bytes) != 1 ||
		name->addresses.n >= MAX_ADDRESSES)
		return;
	for (size_t i = 0; i < name->addresses.n; i++)
		if (strcmp(name->addresses.p[i].text, address) == 0) {
			name->addresses.p[i].seen = MAX(name->addresses.p[i].seen, seen);
			return;
		}
	*vec_push(a, &name->addresses) = (struct address){address, v6, seen};
}

/* --- asking ----------------------------------------------------------------------------------------- */

/* The answers are the network's, and a resolver has modules. */
static int become_nobody(void *data _unused_)
{
	return setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		   setresuid(NOBODY, NOBODY, NOBODY) < 0;
}

static struct exec start(struct arena *a, struct str name)
{
	const char *argv[] = {"/usr/bin/getent", "ahosts", str_dup(a, name), NULL};

	return exec_start(argv, become_nobody, NULL);
}

static void take_answer(struct arena *a, struct name *name, struct exec *e, int64_t now)
{
	struct exec_result result = {0};
	struct err ignored = {0};
	struct str line, address;

	if (exec_finish(e, 65536, WAIT_MS, a, &result, &ignored) < 0 || result.status)
		return;
	while (str_line(&result.out, &line))
		if (str_word(&line, &address)) {
			add_address(a, name, address, now);
			name->resolved = true;
		}
}

static void ask_all(struct arena *a, names *all, int64_t now)
{
	struct exec running[AT_ONCE];

	for (size_t first = 0; first < all->n; first += AT_ONCE) {
		size_t n = MIN(all->n - first, (size_t)AT_ONCE);

		for (size_t i = 0; i < n; i++)
			running[i] = start(a, all->p[first + i].text);
		for (size_t i = 0; i < n; i++)
			take_answer(a, &all->p[first + i], &running[i], now);
	}
}

/* --- what is kept ----------------------------------------------------------------------------------- */

/* Lines of name, address and when it was last said. */
static void recall(const struct place *place, struct arena *a, names *all)
{
	struct str text, line, name, address, time;
	uint64_t seen;

	if (path_read(place->root_fd, KEPT, MAX_KEPT, a, &text) < 0)
		return;
	while (str_line(&text, &line)) {
		struct name *known;

		if (!str_word(&line, &name) || !str_word(&line, &address) || !str_word(&line, &time) ||
			num_u64(time, 0, INT64_MAX, &seen) < 0)
			continue;
		known = find(all, name);
		if (known)
			add_address(a, known, address, (int64_t)seen);
	}
}

static void forget_old(names *all, int64_t now)
{
	for (size_t i = 0; i < all->n; i++) {
		struct name *name = &all->p[i];
		size_t n = 0;

		for (size_t k = 0; k < name->addresses.n; k++)
			if (!name->resolved || name->addresses.p[k].seen > now - DAY)
				name->addresses.p[n++] = name->addresses.p[k];
		name->addresses.n = n;
	}
}

/* That it cannot be kept does not keep anybody from going on. */
static void keep(const struct place *place, struct arena *a, const names *all)
{
	_cleanup_buf_ struct buf text = BUF(MAX_KEPT);
	struct state state = {0};
	struct err ignored = {0};

	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->p[i].addresses.n; k++)
			buf_printf(&text, "%.*s %s %lld\n", STR_ARG(all->p[i].text),
					   all->p[i].addresses.p[k].text, (long long)all->p[i].addresses.p[k].seen);
	state_set(&state, a, "mode", STR("0600"));
	state_set(&state, a, "owner", STR("0"));
	state_set(&state, a, "group", STR("0"));
	(void)fs_write(place, KEPT, text.n ? buf_get(&text) : STR(""), &state, NULL, &ignored);
}

/* --- all -------------------------------------------------------------------------------------------- */

static size_t put_commands(struct buf *out, const struct name *name, bool v6)
{
	const char *prefix = v6 ? SITE_NAME6 : SITE_NAME4;
	size_t n = 0;

	buf_printf(out, "flush set " SITE_TABLE " %s%.*s\n", prefix, STR_ARG(name->text));
	for (size_t i = 0; i < name->addresses.n; i++) {
		if (name->addresses.p[i].v6 != v6)
			continue;
		if (!n++)
			buf_printf(out, "add element " SITE_TABLE " %s%.*s { ", prefix, STR_ARG(name->text));
		else
			buf_puts(out, ", ");
		buf_puts(out, name->addresses.p[i].text);
	}
	if (n)
		buf_puts(out, " }\n");
	return n;
}

struct str names_ask(const struct place *place, struct str table, struct arena *a,
					 struct names_result *ret)
{
	_cleanup_buf_ struct buf commands = BUF(MAX_KEPT);
	int64_t now = time(NULL);
	names all = {0};
	struct str name;

	*ret = (struct names_result){0};
	while (all.n < MAX_NAMES && next_name(&table, &name))
		*vec_push(a, &all) = (struct name){.text = name};
	if (!all.n)
		return STR_ABSENT;
	ask_all(a, &all, now);
	recall(place, a, &all);
	forget_old(&all, now);
	keep(place, a, &all);
	ret->names = all.n;
	for (size_t i = 0; i < all.n; i++) {
		ret->addresses += put_commands(&commands, &all.p[i], false);
		ret->addresses += put_commands(&commands, &all.p[i], true);
		if (!all.p[i].resolved)
			*vec_push(a, &ret->unresolved) = all.p[i].text;
	}
	return (struct str){arena_copy(a, commands.p, commands.n), commands.n};
}
