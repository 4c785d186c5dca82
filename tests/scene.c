/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/num.h"
#include "host/recording.h"

#define MAX_PATH 4096
#define MAX_LINKS 40

enum kind { DENIED, REGULAR, DIRECTORY, SYMLINK };

struct scene_node {
	struct str path; /* without a slash at the end, so that of the root is empty */
	enum kind kind;
	unsigned mode, uid, gid;
	int64_t changed; /* its ctime_usec; 0: not told */
	struct str data; /* a file's content, a link's target */
};

/* --- the files of the case ------------------------------------------------------------- */

static struct scene_node *find_node(const struct scene *s, struct str path)
{
	return map_get(&s->by_path, path);
}

static struct str parent_of(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n);

	return (struct str){path.p, (size_t)(slash - path.p)};
}

/* The node at the path, made with its parents when it is not there. */
static struct scene_node *add_node(struct scene *s, struct str path)
{
	struct scene_node *node = find_node(s, path);

	if (node)
		return node;
	if (path.n)
		add_node(s, parent_of(path));
	node = arena_new(&s->arena, struct scene_node, 1);
	*node = (struct scene_node){.path = path, .kind = DIRECTORY, .mode = 0755, .data = STR("")};
	map_put(&s->by_path, path, node);
	*vec_push(&s->arena, &s->nodes) = node;
	return node;
}

/* What the path leads to, every link followed; NULL when that does not exist, or when *links, of
 * all the links on the way, are not enough. */
static struct scene_node *resolve(const struct scene *s, struct arena *a, struct str path,
								  int *links)
{
	struct scene_node *node = find_node(s, STR(""));
	struct str name;

	while (node && str_cut(&path, '/', &name)) {
		struct str dir = node->path;

		if (!name.n || str_is(name, "."))
			continue;
		if (str_is(name, "..")) {
			node = dir.n ? find_node(s, parent_of(dir)) : node;
			continue;
		}
		node = find_node(s, str_of(arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name))));
		if (!node || node->kind != SYMLINK)
			continue;
		if (--*links < 0)
			return NULL;
		name = node->data;
		if (!str_starts(name, "/"))
			name = str_of(arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name)));
		node = resolve(s, a, name, links);
	}
	return node;
}

void scene_init(struct scene *s)
{
	*s = (struct scene){.live = true, .all = true, .answers = BUF(SCENE_MAX)};
	map_init(&s->by_path, &s->arena);
	add_node(s, STR(""));
	(void)num_time(STR("2026-01-01"), &s->time);
}

void scene_done(struct scene *s)
{
	buf_done(&s->answers);
	arena_done(&s->arena);
}
/* --- the recording --------------------------------------------------------------------- */

static void write_stat(struct scene *s, const char *op, const char *path, const struct scene_node *n)
{
	static const unsigned types[] = {
		[REGULAR] = S_IFREG, [DIRECTORY] = S_IFDIR, [SYMLINK] = S_IFLNK};

	recording_write(
		&s->answers, op, path, 0,
		str_of(arena_printf(&s->arena, "%u %u %u 1 %zu 0 1 1 %lld", types[n->kind] | n->mode,
							n->uid, n->gid, n->data.n, (long long)n->changed)));
}

static int by_path(const void *a, const void *b)
{
	return str_cmp((*(struct scene_node *const *)a)->path, (*(struct scene_node *const *)b)->path);
}

static void write_list(struct scene *s, const char *path, const struct scene_node *dir)
{
	static const char types[] = {[DENIED] = 'a' + DT_REG,
								 [REGULAR] = 'a' + DT_REG,
								 [DIRECTORY] = 'a' + DT_DIR,
								 [SYMLINK] = 'a' + DT_LNK};
	_cleanup_buf_ struct buf list = BUF(SCENE_MAX);

	vec_each(&s->nodes, each)
	{
		const struct scene_node *n = *each;

		if (!n->path.n || !str_eq(parent_of(n->path), dir->path))
			continue;
		buf_putc(&list, types[n->kind]);
		buf_add(&list, n->path.p + dir->path.n + 1, n->path.n - dir->path.n - 1);
		buf_putc(&list, '\0');
	}
	recording_write(&s->answers, "list", path, 0, buf_get(&list));
}

static void write_denied(struct scene *s, const char *path, bool itself)
{
	recording_write(&s->answers, "read", path, EACCES, STR(""));
	recording_write(&s->answers, "list", path, EACCES, STR(""));
	recording_write(&s->answers, "stat", path, EACCES, STR(""));
	if (!itself)
		return;
	recording_write(&s->answers, "lstat", path, EACCES, STR(""));
	recording_write(&s->answers, "link", path, EACCES, STR(""));
}

/* What follows links, of the node that they lead to. */
static void write_target(struct scene *s, const char *path, const struct scene_node *target)
{
	if (target->kind == DENIED) {
		write_denied(s, path, false);
		return;
	}
	write_stat(s, "stat", path, target);
	if (target->kind == REGULAR) {
		recording_write(&s->answers, "read", path, 0, target->data);
		recording_write(&s->answers, "list", path, ENOTDIR, STR(""));
	} else {
		recording_write(&s->answers, "read", path, EINVAL, STR(""));
		write_list(s, path, target);
	}
}

static void write_node(struct scene *s, const char *path, const struct scene_node *n)
{
	int links = MAX_LINKS;
	const struct scene_node *target = resolve(s, &s->arena, n->path, &links);

	if (s->answers.full)
		return;
	if (n->kind == DENIED) {
		write_denied(s, path, true);
		return;
	}
	write_stat(s, "lstat", path, n);
	if (n->kind == SYMLINK)
		recording_write(&s->answers, "link", path, 0, n->data);
	else
		recording_write(&s->answers, "link", path, EINVAL, STR(""));
	if (target)
		write_target(s, path, target);
}

/* What is below a directory is there below a link to it too. */
static void write_below(struct scene *s, const struct scene_node *link)
{
	int links = MAX_LINKS;
	const struct scene_node *dir = resolve(s, &s->arena, link->path, &links);

	if (!dir || dir->kind != DIRECTORY)
		return;
	vec_each(&s->nodes, each)
	{
		struct str rest = (*each)->path;

		if (str_skip(&rest, str_dup(&s->arena, dir->path)) && str_starts(rest, "/"))
			write_node(s, arena_printf(&s->arena, "%.*s%.*s", STR_ARG(link->path), STR_ARG(rest)),
					   *each);
	}
}

int scene_recording(struct scene *s, struct buf *out, struct err *err)
{
	qsort(s->nodes.p, s->nodes.n, sizeof(*s->nodes.p), by_path);
	vec_each(&s->nodes, each)
	{
		const struct scene_node *n = *each;

		write_node(s, n->path.n ? str_dup(&s->arena, n->path) : "/", n);
		if (n->kind == SYMLINK)
			write_below(s, n);
	}
	recording_write_header(out, s->live, true, s->time);
	buf_str(out, buf_get(&s->answers));
	if (s->live && !s->processes)
		recording_write(out, "query", "procs", 0, STR(""));
	if (s->answers.full || out->full)
		return err_set(err, EFBIG, "the host is too large for a case");
	return 0;
}

/* --- the sections of the case ---------------------------------------------------------- */

struct str scene_unescape(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	while (s.n) {
		uint64_t byte;

		if (str_starts(s, "\\x") && s.n >= 4 &&
			num_hex((struct str){s.p + 2, 2}, 255, &byte) == 0) {
			out[n++] = (char)byte;
			s = (struct str){s.p + 4, s.n - 4};
		} else if (str_skip(&s, "\\n")) {
			out[n++] = '\n';
		} else if (str_skip(&s, "\\r")) {
			out[n++] = '\r';
		} else if (str_skip(&s, "\\t")) {
			out[n++] = '\t';
		} else {
			if (str_starts(s, "\\\\") || str_starts(s, "\\\""))
				str_skip(&s, "\\");
			out[n++] = *s.p;
			s = (struct str){s.p + 1, s.n - 1};
		}
	}
	return (struct str){out, n};
}

/* The first thing that is wrong is kept. */
static void bad(struct scene *s, struct str word, const char *why)
{
	if (!s->bad)
		s->bad = arena_printf(&s->arena, "'%.*s' %s", STR_ARG(word), why);
}

/* The newline that ends a section is no part of escaped content. */
static struct str without_newline(struct str s)
{
	return (struct str){s.p, s.n - str_ends(s, "\n")};
}

static void take_attribute(struct scene *s, struct scene_node *n, struct str word)
{
	struct str value = word, name;
	uint64_t id = 0;

	(void)str_cut(&value, '=', &name);
	if (str_is(word, "escaped"))
		n->data = scene_unescape(&s->arena, without_newline(n->data));
	else if ((str_is(name, "mode") && num_mode(value, &n->mode) == 0) ||
			 (str_is(name, "changed") && num_usec(value, &n->changed) == 0))
		return;
	else if (str_is(name, "uid") && num_u64(value, 0, UINT32_MAX, &id) == 0)
		n->uid = (unsigned)id;
	else if (str_is(name, "gid") && num_u64(value, 0, UINT32_MAX, &id) == 0)
		n->gid = (unsigned)id;
	else
		bad(s, word, "is no attribute of a file");
}

static struct scene_node *take_node(struct scene *s, struct str *args, enum kind kind, unsigned mode)
{
	struct str path = STR("/");
	struct scene_node *n;

	if (!str_word(args, &path) || !str_starts(path, "/") || path.n > MAX_PATH) {
		bad(s, path, "is no path");
		path = STR("/");
	}
	n = add_node(s, path.n == 1 ? STR("") : path);
	n->kind = kind;
	n->mode = mode;
	return n;
}

static void take_attributes(struct scene *s, struct scene_node *n, struct str args)
{
	struct str word;

	while (str_word(&args, &word))
		take_attribute(s, n, word);
}

static void take_file(struct scene *s, struct str args, struct str body)
{
	struct scene_node *n = take_node(s, &args, REGULAR, 0644);

	n->data = body;
	take_attributes(s, n, args);
}

static void take_dir(struct scene *s, struct str args, struct str body _unused_)
{
	take_attributes(s, take_node(s, &args, DIRECTORY, 0755), args);
}

static void take_link(struct scene *s, struct str args, struct str body _unused_)
{
	struct scene_node *n = take_node(s, &args, SYMLINK, 0777);

	if (!str_word(&args, &n->data))
		bad(s, n->path, "is a link without a target");
	take_attributes(s, n, args);
}

static void take_denied(struct scene *s, struct str args, struct str body _unused_)
{
	take_attributes(s, take_node(s, &args, DENIED, 0), args);
}

static void take_run(struct scene *s, struct str args, struct str body)
{
	recording_write(&s->answers, "run", str_dup(&s->arena, args), 0, body);
}

/* The program fails, with this in front of what it says. */
static void take_failed(struct scene *s, struct str args, struct str body)
{
	recording_write(&s->answers, "run", str_dup(&s->arena, args), EIO, str_trim(body));
}

static void take_query(struct scene *s, struct str args, struct str body)
{
	s->processes = s->processes || str_is(args, "procs");
	recording_write(&s->answers, "query", str_dup(&s->arena, args), 0, body);
}

static void take_unanswered(struct scene *s, struct str args, struct str body _unused_)
{
	s->processes = s->processes || str_is(args, "procs");
	recording_write(&s->answers, "query", str_dup(&s->arena, args), EACCES, STR("permission denied"));
}

static void take_asked(struct scene *s, struct str args _unused_, struct str body)
{
	struct str line;

	s->all = false;
	while (str_line(&body, &line))
		*vec_push(&s->arena, &s->asked) = line;
}

static void take_offline(struct scene *s, struct str args _unused_, struct str body _unused_)
{
	s->live = false;
}

static void take_time(struct scene *s, struct str args, struct str body _unused_)
{
	if (num_time(args, &s->time) < 0)
		bad(s, args, "is no time");
}

static void take_want(struct scene *s, struct str args _unused_, struct str body)
{
	s->want = body;
}

static void take_section(struct scene *s, struct str head, struct str body)
{
	static const struct {
		const char *name;
		void (*take)(struct scene *, struct str args, struct str body);
	} sections[] = {
		{"file", take_file},     {"dir", take_dir},     {"link", take_link},
		{"denied", take_denied}, {"run", take_run},     {"query", take_query},
		{"failed", take_failed}, {"asked", take_asked}, {"offline", take_offline},
		{"time", take_time},     {"want", take_want},   {"unanswered", take_unanswered},
	};
	struct str name = STR("");

	(void)str_word(&head, &name);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (str_is(name, sections[i].name)) {
			sections[i].take(s, str_trim(head), body);
			return;
		}
	bad(s, name, "is no section of a case");
}

int scene_parse(struct scene *s, struct str text, struct err *err)
{
	struct str head = STR_ABSENT, body = STR(""), line;

	while (str_line(&text, &line)) {
		if (str_skip(&line, "== ")) {
			if (head.p)
				take_section(s, head, body);
			head = line;
			body = (struct str){text.p ? text.p : "", 0};
		} else if (head.p) {
			body.n = (size_t)((text.p ? text.p : line.p + line.n) - body.p);
		}
	}
	if (head.p)
		take_section(s, head, body);
	return s->bad ? err_set(err, EINVAL, "%s", s->bad) : 0;
}

void scene_read(const struct scene *s, struct host *host, const struct table *t,
				struct snapshot *snapshot)
{
	if (s->all)
		snapshot_want_all(snapshot, t);
	else
		snapshot_want(snapshot, t);
	for (size_t i = 0; i < s->asked.n; i++)
		snapshot_want_key(snapshot, t, s->asked.p[i]);
	snapshot_read(snapshot, host, NULL, NULL);
}

