/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/path.h"
#include "spec/suite_private.h"
#include "spec/template.h"

#define MAX_FILE ((size_t)1 << 20)
#define MAX_VARS ((size_t)16 << 20)
#define MAX_INCLUDES 50 /* of each other */
#define MAX_FILES 1000
#define MAX_RESOURCES 20000

/* --- files ----------------------------------------------------------------------------------- */

static int check_owner(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return err_set(err, EINVAL, "%s: is no file", path);
	if (fd_is_trusted(fd))
		return 0;
	return err_set(
		err, EPERM,
		"%s: others can change it, and so what is run with your rights: chown and chmod go-w it",
		path);
}

static int read_fd(int fd, const char *path, size_t max, struct arena *a, struct str *ret,
				   struct err *err)
{
	_cleanup_buf_ struct buf text = BUF(max);
	int r = fd_read_all(fd, &text);

	*ret = (struct str){arena_copy(a, buf_get(&text).p, text.n), text.n};
	if (r == -ENOBUFS)
		return err_set(err, EFBIG, "%s: larger than %zu MiB", path, max >> 20);
	return r < 0 ? err_errno(err, -r, "%s", path) : 0;
}

/* Not O_NONBLOCK: a pipe that the shell has made, as of <(ohai), is waited for. */
static int read_trusted(const char *path, size_t max, struct arena *a, struct str *ret,
						struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	r = check_owner(fd, path, err);
	return r < 0 ? r : read_fd(fd, path, max, a, ret, err);
}

/* What a template reads is text for it, not a part of what is loaded; whose it is does not matter. */
static int read_for_template(const char *path, struct arena *a, struct str *ret, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? err_errno(err, errno, "%s", path) : read_fd(fd, path, MAX_FILE, a, ret, err);
}

/* --- variables ------------------------------------------------------------------------------- */

int suite_parse_vars(struct suite *s, struct str text, const char *name, struct datum *vars,
					 struct err *err)
{
	struct yaml *doc = arena_new(&s->arena, struct yaml, 1);
	struct datum more;

	if (datum_from_json(text, &s->arena, &more, err) < 0) {
		if (yaml_parse_aliases(text, name, &s->arena, doc, err) < 0)
			return -EINVAL;
		more = datum_from_yaml(YAML_ROOT(doc), &s->arena);
	}
	if (more.kind != DATUM_MAP)
		return err_set(err, EINVAL, "%s:1:1: expected {name: value, ...}, found %s", name,
					   datum_kind_name(more.kind));
	for (size_t i = 0; i < more.map->n; i++)
		datum_put(&s->arena, vars, more.map->p[i].key, more.map->p[i].value);
	return 0;
}

int suite_load_vars(struct suite *s, const char *path, struct datum *vars, struct err *err)
{
	struct str text;
	int r = read_trusted(path, MAX_VARS, &s->arena, &text, err);

	return r < 0 ? r : suite_parse_vars(s, text, path, vars, err);
}

static struct datum environment(struct arena *a)
{
	struct datum env = datum_map(a);

	for (char **e = environ; *e; e++) {
		struct str value = str_of(*e), name;

		(void)str_cut(&value, '=', &name);
		if (value.p)
			datum_put(a, &env, name, DATUM_STR(value));
	}
	return env;
}

/* --- all of them ----------------------------------------------------------------------------- */

static bool is_same(const struct resource *a, const struct resource *b)
{
	return a->kind == b->kind && a->rule == NULL && b->rule == NULL && strcmp(a->id, b->id) == 0;
}

/* A later file has the last word about a resource, and that is said: a test that is not run is no
 * small matter. */
static int add(struct loading *l, struct resource *r, struct map *known)
{
	struct suite *s = l->suite;
	struct str key = str_of(arena_printf(&s->arena, "%s\n%s", r->kind->name, r->id));
	struct resource **before = r->rule ? NULL : map_get(known, key), **to;

	if (before && is_same(*before, r)) {
		*vec_push(&s->arena, &s->warnings) = arena_printf(
			&s->arena, "%s:%u: %s %s takes the place of that in %s:%u", r->from.path, r->from.line,
			r->kind->name, r->id, (*before)->from.path, (*before)->from.line);
		**before = *r;
		return 0;
	}
	if (s->resources.n >= MAX_RESOURCES)
		return err_set(l->err, E2BIG, "%s: more than %d tests", r->from.path, MAX_RESOURCES);
	*vec_push(&s->arena, &s->resources) = r;
	to = arena_new(&s->arena, struct resource *, 1);
	*to = r;
	if (!r->rule)
		(void)map_put(known, key, to);
	return 0;
}

/* --- a file ---------------------------------------------------------------------------------- */

static const struct kind *find_kind(struct str name)
{
	for (const struct kind *const *k = LEAF_BEGIN(kinds); k < LEAF_END(kinds); k++)
		if (str_is(name, (*k)->name))
			return *k;
	return NULL;
}

static int open_language(struct loading *l)
{
	struct suite *s = l->suite;

	if (s->catalogue)
		return 0;
	s->catalogue = mem_calloc(1, sizeof(*s->catalogue));
	return catalogue_load(s->catalogue, NULL, l->err);
}

static int parse_tests(struct loading *l, struct yaml_at list, struct map *known)
{
	struct yaml_iter it = yaml_iter(list);
	int r = open_language(l);

	if (r == 0 && yaml_kind(list) != YAML_LIST)
		return yaml_err(list, l->err, "expected a list of tests, found %s", yaml_kind_name(list));
	while (r == 0 && yaml_next(&it)) {
		struct resource *test;

		r = suite_parse_test(l, it.value, &test);
		if (r == 0)
			r = add(l, test, known);
	}
	return r;
}

static int load_file(struct loading *, const char *path, struct map *known);

static int parse_kind(struct loading *l, const struct kind *k, struct yaml_at map,
					  struct map *known)
{
	struct yaml_iter it = yaml_iter(map);
	int r = 0;

	if (yaml_is_null(map))
		return 0;
	if (yaml_kind(map) != YAML_MAP)
		return yaml_err(map, l->err, "expected {name: {...}, ...}, found %s", yaml_kind_name(map));
	while (r == 0 && yaml_next(&it)) {
		struct resource *resource;

		r = suite_parse_resource(l, k, it.key, it.value, &resource);
		if (r == 0)
			r = add(l, resource, known);
	}
	return r;
}

static int include_matches(struct loading *l, struct yaml_at key, const char *pattern,
						   struct map *known)
{
	glob_t matches = {0};
	int r = 0;

	if (l->options->alone)
		return yaml_err(key, l->err, "other files are not included here");
	if (glob(pattern, GLOB_ERR, NULL, &matches) != 0)
		r = yaml_err(key, l->err, "there is no file %s", pattern);
	for (size_t i = 0; r == 0 && i < matches.gl_pathc; i++)
		r = load_file(l, matches.gl_pathv[i], known);
	globfree(&matches);
	return r;
}

static int include(struct loading *l, struct yaml_at key, struct yaml_at map, struct map *known)
{
	static const char *const keys[] = {"title", "meta", "file", "skip", NULL};
	struct str file = yaml_text(key);
	const char *dir = key.doc->name, *slash = strrchr(dir, '/');
	struct yaml_at at;
	bool skip = false;
	int r = yaml_is_null(map) ? 0 : yaml_check_keys(map, keys, l->err);

	if (r == 0 && yaml_get(map, "file", &at) && !yaml_is_null(at))
		r = yaml_str(at, &file, l->err);
	if (r == 0 && yaml_get(map, "skip", &at) && !yaml_is_null(at))
		r = yaml_bool(at, &skip, l->err);
	if (r < 0 || skip)
		return r;
	if (!slash || str_starts(file, "/"))
		return include_matches(l, key, str_dup(&l->suite->arena, file), known);
	return include_matches(
		l, key, arena_printf(&l->suite->arena, "%.*s/%.*s", (int)(slash - dir), dir, STR_ARG(file)),
		known);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(yaml_text(((const struct yaml_iter *)a)->key),
				   yaml_text(((const struct yaml_iter *)b)->key));
}

/* In the order of their names, behind what the file itself has. */
static int parse_includes(struct loading *l, struct yaml_at map, struct map *known)
{
	struct yaml_iter it = yaml_iter(map), *all;
	size_t n = 0;
	int r = 0;

	if (yaml_is_null(map))
		return 0;
	if (yaml_kind(map) != YAML_MAP)
		return yaml_err(map, l->err, "expected {file: {}, ...}, found %s", yaml_kind_name(map));
	all = arena_new(&l->suite->arena, struct yaml_iter, yaml_len(map) + 1);
	while (yaml_next(&it))
		all[n++] = it;
	if (n)
		qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = include(l, all[i].key, all[i].value, known);
	return r;
}

static int check_top(struct loading *l, struct yaml_at root)
{
	const char *names[64];
	size_t n = 0;

	names[n++] = "gossfile";
	names[n++] = "tests";
	for (const struct kind *const *k = LEAF_BEGIN(kinds); k < LEAF_END(kinds); k++)
		names[n++] = (*k)->name;
	names[n] = NULL;
	return yaml_check_keys(root, names, l->err);
}

static int parse_document(struct loading *l, struct yaml_at root, struct map *known)
{
	struct yaml_iter it = yaml_iter(root);
	struct yaml_at includes;
	int r = check_top(l, root);

	while (r == 0 && yaml_next(&it)) {
		struct str name = yaml_text(it.key);

		if (str_is(name, "tests"))
			r = parse_tests(l, it.value, known);
		else if (!str_is(name, "gossfile"))
			r = parse_kind(l, find_kind(name), it.value, known);
	}
	if (r == 0 && yaml_get(root, "gossfile", &includes))
		r = parse_includes(l, includes, known);
	return r;
}

/* Nothing but comments: what a template leaves of a file that is about another host. */
static bool is_blank(struct str text)
{
	struct str line;

	while (str_line(&text, &line)) {
		line = str_trim(line);
		if (line.n && line.p[0] != '#' && !str_is(line, "---"))
			return false;
	}
	return true;
}

static uint32_t source_line(const struct template_text *t, uint64_t line)
{
	return line && line <= t->n_lines ? t->lines[line - 1] : (uint32_t)line;
}

/* An error of YAML names the line of what the template made: put right. */
static int in_source(const struct template_text *t, const char *name, struct err *err)
{
	char message[sizeof(err->msg)];
	struct str rest, number;
	uint64_t line;
	size_t n = strlen(name);

	snprintf(message, sizeof(message), "%s", err->msg);
	if (strncmp(message, name, n) != 0 || message[n] != ':')
		return -EINVAL;
	rest = str_of(message + n + 1);
	if (!str_cut(&rest, ':', &number) || num_u64(number, 1, UINT32_MAX, &line) < 0)
		return -EINVAL;
	return err_set(err, EINVAL, "%s:%u:%.*s", name, source_line(t, line), STR_ARG(rest));
}

static int parse_text(struct loading *l, struct str text, const char *name, struct map *known)
{
	struct arena *a = &l->suite->arena;
	const struct template_world world = {l->options->vars, l->env,
										 l->options->alone ? NULL : read_for_template};
	struct yaml *doc = arena_new(a, struct yaml, 1);
	struct template_text made;
	struct yaml_node *nodes;

	if (template_render(text, name, &world, a, &made, l->err) < 0)
		return -EINVAL;
	if (is_blank(made.text))
		return 0;
	if (yaml_parse_aliases(made.text, name, a, doc, l->err) < 0)
		return in_source(&made, name, l->err);
	nodes = (struct yaml_node *)doc->nodes;
	for (uint32_t i = 0; i < doc->n_nodes; i++)
		nodes[i].line = source_line(&made, nodes[i].line);
	return parse_document(l, YAML_ROOT(doc), known);
}

static int load_file(struct loading *l, const char *path, struct map *known)
{
	struct arena *a = &l->suite->arena;
	const char *name = arena_strdup(a, path);
	struct str text;
	int r;

	if (l->depth >= MAX_INCLUDES)
		return err_set(l->err, ELOOP, "%s: files include each other more than %d deep", name,
					   MAX_INCLUDES);
	if (++l->files > MAX_FILES)
		return err_set(l->err, E2BIG, "%s: more than %d files", name, MAX_FILES);
	if (strcmp(path, "-") == 0) {
		name = "standard input";
		r = read_fd(STDIN_FILENO, name, MAX_FILE, a, &text, l->err);
	} else {
		r = read_trusted(path, MAX_FILE, a, &text, l->err);
	}
	if (r < 0)
		return r;
	l->depth++;
	r = parse_text(l, text, name, known);
	l->depth--;
	return r;
}

static void begin(struct loading *l, struct suite *s, const struct suite_options *options,
				  struct map *known, struct err *err)
{
	char cwd[4096];

	*l = (struct loading){.suite = s, .options = options, .err = err};
	if (!s->directory)
		s->directory = arena_strdup(&s->arena, getcwd(cwd, sizeof(cwd)) ? cwd : "/");
	map_init(known, &s->arena);
	l->env = environment(&s->arena);
}

int suite_load(struct suite *s, const char *path, const struct suite_options *options,
			   struct err *err)
{
	struct loading l;
	struct map known;

	begin(&l, s, options, &known, err);
	return load_file(&l, path, &known);
}

int suite_parse(struct suite *s, struct str text, const char *name,
				const struct suite_options *options, struct err *err)
{
	struct loading l;
	struct map known;

	begin(&l, s, options, &known, err);
	return parse_text(&l, text, name, &known);
}

void suite_done(struct suite *s)
{
	if (s->catalogue)
		catalogue_done(s->catalogue);
	free(s->catalogue);
	arena_done(&s->arena);
}
