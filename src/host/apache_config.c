/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_config.h"

#include <dirent.h>

#include "base/buf.h"
#include "base/vec.h"
#include "host/dpkg.h"
#include "host/glob.h"
#include "host/included.h"

#define MAX_INCLUDES 16
#define MAX_NESTED 64
#define MAX_NAME 128 /* of a variable */
#define MAX_DIRECTIVES 250000
#define VERSION "2.4" /* the only one that is still looked after, since 2018 */

struct reader {
	struct host *host;
	struct arena *arena;
	struct err *err;
	struct apache_config *config;
	const char *root; /* ServerRoot, which relative names are below */
	struct map variables;
	struct included included;
	size_t directives;
};

struct cursor {
	struct reader *reader;
	const char *file;
	struct str in;
	unsigned line, next_line;
	struct directive *at, *outer;
	unsigned skipped; /* blocks whose condition does not hold, and those within */
	unsigned nested, depth;
	VEC(struct str) open; /* names of blocks that are no part of the tree, or are skipped */
};

static int refuse(struct cursor *c, const char *why)
{
	return err_set(c->reader->err, EBADMSG, "%s:%u: %s", c->file, c->line, why);
}

/* --- words ----------------------------------------------------------------------------------- */

/* A line with those that its backslashes continue. */
static bool logical_line(struct cursor *c, struct str *ret)
{
	struct arena *a = c->reader->arena;
	_cleanup_buf_ struct buf joined = BUF(INCLUDED_MAX);
	struct str line;

	c->line = c->next_line;
	if (!str_line(&c->in, &line))
		return false;
	c->next_line++;
	if (!str_ends(line, "\\")) {
		*ret = str_trim(line);
		return true;
	}
	do {
		bool more = str_ends(line, "\\");

		buf_add(&joined, line.p, line.n - more);
		if (!more)
			break;
		c->next_line++;
	} while (str_line(&c->in, &line));
	*ret = str_trim(str_of(arena_copy(a, joined.p ? joined.p : "", joined.n)));
	return true;
}

static struct str variable(struct reader *r, struct str name)
{
	struct str *value = map_get(&r->variables, name);

	return value ? *value : STR_ABSENT;
}

/* ${NAME}; of one that is not known the text stays, as httpd has it with a warning. */
static struct str expand(struct reader *r, struct str text)
{
	_cleanup_buf_ struct buf out = BUF(INCLUDED_MAX);

	if (!str_has(text, "${"))
		return text;
	while (text.n) {
		const char *end = text.n > 2 && text.p[0] == '$' && text.p[1] == '{'
							  ? memchr(text.p, '}', MIN(text.n, (size_t)MAX_NAME))
							  : NULL;
		struct str value =
			end ? variable(r, (struct str){text.p + 2, (size_t)(end - text.p) - 2}) : STR_ABSENT;
		size_t taken = value.p ? (size_t)(end - text.p) + 1 : 1;

		if (value.p)
			buf_str(&out, value);
		else
			buf_putc(&out, *text.p);
		text.p += taken;
		text.n -= taken;
	}
	return (struct str){arena_copy(r->arena, out.p ? out.p : "", out.n), out.n};
}

/* The next word, or what stands between quotes, of either kind; a backslash keeps a quote. */
static bool next_word(struct arena *a, struct str *in, struct str *ret)
{
	char *out, quote = 0;
	size_t n = 0, i = 0;

	*in = str_trim(*in);
	if (!in->n)
		return false;
	if (*in->p == '"' || *in->p == '\'')
		quote = in->p[i++];
	out = arena_alloc(a, in->n + 1);
	for (; i < in->n; i++) {
		char c = in->p[i];

		if (quote ? c == quote : (c == ' ' || c == '\t'))
			break;
		if (quote && c == '\\' && i + 1 < in->n && (in->p[i + 1] == quote || in->p[i + 1] == '\\'))
			c = in->p[++i];
		out[n++] = c;
	}
	i = MIN(i + 1, in->n);
	in->p += i;
	in->n -= i;
	*ret = (struct str){out, n};
	return true;
}

static void set_args(struct reader *r, struct directive *d, struct str rest)
{
	VEC(struct str) args = {0};
	struct str word;

	/* Each word is copied, so a line without end costs no more than it is long, twice. */
	while (args.n < 4096 && next_word(r->arena, &rest, &word))
		*vec_push(r->arena, &args) = word;
	d->args = args.p;
	d->n_args = args.n;
}

/* --- variables and modules ------------------------------------------------------------------- */

static void define(struct reader *r, struct str name, struct str value)
{
	struct str *kept = arena_new(r->arena, struct str, 1);

	*kept = value.p ? value : STR("");
	map_put(&r->variables, name, kept);
}

/* `export NAME=VALUE` and `: ${NAME:=VALUE}` of a shell script; $SUFFIX is for second instances, and
 * empty in the first. What is made of other variables stays unknown. */
/* What apachectl takes from there beside what the files use. */
static bool is_option(struct str name)
{
	return str_is_one_of(name, NAMES("APACHE_ARGUMENTS", "APACHE_CONFDIR", "APACHE_HTTPD"));
}

static int read_envvars(struct reader *r, struct str text)
{
	struct str line, name, rest;

	while (str_line(&text, &line)) {
		struct str value = str_trim(line);
		bool usual = str_skip(&value, ": ${");

		if (!usual)
			str_skip(&value, "export ");
		if (!str_cut(&value, '=', &name) || !value.p)
			continue;
		if (is_option(name) && value.n && !str_is(value, "''"))
			return err_set(r->err, ENOTSUP,
						   "/etc/apache2/envvars sets %s: what that does is not known",
						   str_dup(r->arena, name));
		rest = value;
		if (usual && (!name.n || name.p[--name.n] != ':' || !str_cut(&rest, '}', &value)))
			continue;
		if (str_is(name, "SUFFIX") || str_has_char(name, ' ') || str_has_char(name, '$'))
			continue;
		if (str_ends(value, "$SUFFIX"))
			value.n -= strlen("$SUFFIX");
		if (str_has(value, "$SUFFIX/")) {
			const char *at = memmem(value.p, value.n, "$SUFFIX", 7);

			value = str_of(arena_printf(r->arena, "%.*s%.*s", (int)(at - value.p), value.p,
										(int)(value.n - (size_t)(at - value.p) - 7), at + 7));
		}
		if (!str_has_char(value, '$') && !str_has_char(value, '`') && value.n < 4096)
			define(r, name,
				   value.n > 1 && (*value.p == '"' || *value.p == '\'')
					   ? (struct str){value.p + 1, value.n - 2}
					   : value);
	}
	return 0;
}

static void add_module(struct reader *r, struct str id, struct str path)
{
	struct map *modules = &r->config->modules;
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
	struct str file = slash ? (struct str){slash + 1, (size_t)(path.p + path.n - slash) - 1} : path;
	struct str name = id;

	map_put(modules, id, r);
	if (str_ends(name, "_module"))
		name.n -= strlen("_module");
	map_put(modules, str_of(arena_printf(r->arena, "mod_%.*s.c", STR_ARG(name))), r);
	if (str_ends(file, ".so"))
		map_put(modules, str_of(arena_printf(r->arena, "%.*s.c", (int)file.n - 3, file.p)), r);
	if (str_skip(&name, "mpm_"))
		map_put(modules, str_of(arena_printf(r->arena, "%.*s.c", STR_ARG(name))), r);
}

/* --- conditions ------------------------------------------------------------------------------ */

/* 1, 0 or negative errno. */
static int version_holds(struct cursor *c, const struct directive *d)
{
	struct str op = d->n_args > 1 ? d->args[0] : STR("="),
			   wanted = d->n_args ? d->args[d->n_args - 1] : STR("");
	bool negative = str_skip(&op, "!");
	int order = dpkg_version_cmp(STR(VERSION), wanted);
	bool holds;

	/* Between 2.4.0 and its last it is a matter of the version that is here. */
	if (str_starts(wanted, VERSION ".") && !str_is(wanted, VERSION ".0"))
		return refuse(c, "what a condition on a version within 2.4 comes to is not known");
	if (str_is(op, ">="))
		holds = order >= 0;
	else if (str_is(op, ">"))
		holds = order > 0 || str_is(wanted, VERSION);
	else if (str_is(op, "<") || str_is(op, "<="))
		holds = order < 0;
	else
		return refuse(c, "what a condition on the version comes to is not known");
	return holds != negative;
}

static int file_is_there(struct cursor *c, struct str name, bool negative)
{
	struct reader *r = c->reader;
	const char *path = *name.p == '/' ? str_dup(r->arena, name)
									  : arena_printf(r->arena, "%s/%.*s", r->root, STR_ARG(name));
	struct path_stat st;
	struct err ignored;
	int e = host_stat(r->host, path, true, &st, &ignored);

	if (e < 0 && e != -ENOENT && e != -ENOTDIR)
		return refuse(c, "whether the file of a condition is there cannot be seen");
	return (e == 0) != negative;
}

static int condition_holds(struct cursor *c, const struct directive *d)
{
	struct reader *r = c->reader;
	struct str name = directive_arg(d);
	bool negative = name.p && str_skip(&name, "!"), holds;

	if (!name.p)
		return refuse(c, "a condition without what it is about");
	if (str_is_nocase(d->name, "IfVersion"))
		return version_holds(c, d);
	if (str_is_nocase(d->name, "IfModule"))
		holds = map_get(&r->config->modules, name) != NULL;
	else if (str_is_nocase(d->name, "IfDefine"))
		holds = variable(r, name).p != NULL;
	else
		return file_is_there(c, name, negative);
	return holds != negative;
}

static bool is_condition(struct str name)
{
	return str_is_nocase(name, "IfModule") || str_is_nocase(name, "IfDefine") ||
		   str_is_nocase(name, "IfVersion") || str_is_nocase(name, "IfFile");
}

/* --- directives ------------------------------------------------------------------------------ */

static int read_file(struct reader *, const char *path, struct directive *at, unsigned depth);

/* A directory stands for all files in it and below. */
static int read_path(struct reader *r, const char *path, struct directive *at, unsigned depth)
{
	struct host_dir dir;
	struct path_stat st;
	int result = host_stat(r->host, path, true, &st, r->err);

	if (result < 0 || !S_ISDIR(st.mode))
		return result < 0 ? result : read_file(r, path, at, depth);
	if (depth > MAX_INCLUDES)
		return err_set(r->err, EBADMSG, "%s: too many includes within each other", path);
	result = host_list(r->host, path, r->arena, &dir, r->err);
	if (result == 0 && dir.more)
		return err_set(r->err, E2BIG, "%s: too many files", path);
	for (size_t i = 0; result == 0 && i < dir.n; i++)
		result =
			read_path(r, arena_printf(r->arena, "%s/%s", path, dir.entries[i].name), at, depth + 1);
	return result;
}

static int include(struct cursor *c, const struct directive *d, bool optional)
{
	struct reader *r = c->reader;
	struct str name = directive_arg(d), *paths;
	size_t n;
	int result;

	if (!name.n || str_has_char(name, '\0') || str_has(name, "${"))
		return refuse(c, "what is included is not known");
	if (c->depth >= MAX_INCLUDES)
		return refuse(c, "too many includes within each other");
	if (*name.p != '/')
		name = str_of(arena_printf(r->arena, "%s/%s", r->root, str_dup(r->arena, name)));
	result = host_glob(r->host, r->arena, name, &paths, &n, r->err);
	if (result == 0 && !n && !optional)
		return refuse(c, "an included file is not there");
	for (size_t i = 0; result == 0 && i < n; i++)
		result = read_path(r, paths[i].p, c->at, c->depth + 1);
	return result;
}

static int obey(struct cursor *c, struct directive *d)
{
	struct reader *r = c->reader;
	struct str first = directive_arg(d), second = d->n_args > 1 ? d->args[1] : STR_ABSENT;

	if (str_is_nocase(d->name, "Include"))
		return include(c, d, false);
	if (str_is_nocase(d->name, "IncludeOptional"))
		return include(c, d, true);
	if (str_is_nocase(d->name, "Use"))
		return refuse(c, "what a macro holds is not known");
	if (str_is_nocase(d->name, "Define") && first.p)
		define(r, first, second);
	else if (str_is_nocase(d->name, "ServerRoot") && first.n && *first.p == '/')
		r->root = str_dup(r->arena, first);
	else if (str_is_nocase(d->name, "LoadModule") && first.p)
		add_module(r, first, second.p ? second : STR(""));
	directive_append(c->at, d);
	return 0;
}

static int open_block(struct cursor *c, struct directive *d)
{
	int holds = 1;

	if (++c->nested > MAX_NESTED)
		return refuse(c, "too many blocks within each other");
	if (c->skipped || is_condition(d->name) || str_is_nocase(d->name, "Macro")) {
		if (!c->skipped)
			holds = str_is_nocase(d->name, "Macro") ? 0 : condition_holds(c, d);
		if (holds < 0)
			return holds;
		c->skipped += !holds || c->skipped;
		*vec_push(c->reader->arena, &c->open) = d->name;
		return 0;
	}
	d->is_block = true;
	directive_append(c->at, d);
	c->at = d;
	*vec_push(c->reader->arena, &c->open) = STR_ABSENT;
	return 0;
}

static int close_block(struct cursor *c, struct str name)
{
	struct str open;

	if (!c->open.n)
		return refuse(c, "a block is closed that is not open");
	open = c->open.p[--c->open.n];
	c->nested--;
	if (!str_is_nocase(name, str_dup(c->reader->arena, open.p ? open : c->at->name)))
		return refuse(c, "another block is closed than is open");
	if (!open.p)
		c->at = c->at->parent;
	else if (c->skipped)
		c->skipped--;
	return 0;
}

static int read_line(struct cursor *c, struct str line)
{
	struct reader *r = c->reader;
	struct directive *d;
	bool is_block = str_skip(&line, "<");
	struct str name;

	if (is_block && str_skip(&line, "/")) {
		str_cut(&line, '>', &name);
		return close_block(c, str_trim(name));
	}
	if (is_block && str_ends(line, ">"))
		line.n--;
	if (c->skipped && !is_block)
		return 0;
	if (++r->directives > MAX_DIRECTIVES)
		return err_set(r->err, E2BIG, "%s: Apache has too many directives", c->file);
	if (!str_word(&line, &name))
		return refuse(c, "a block without a name");
	d = arena_new(r->arena, struct directive, 1);
	*d = (struct directive){.name = name, .file = c->file, .line = c->line};
	if (!c->skipped)
		set_args(r, d, expand(r, line));
	return is_block ? open_block(c, d) : obey(c, d);
}

static int read_file(struct reader *reader, const char *path, struct directive *at, unsigned depth)
{
	struct cursor c = {.reader = reader, .file = path, .next_line = 1, .at = at, .depth = depth};
	struct str line;
	int r = included_read(&reader->included, reader->host, path, reader->arena, &c.in, reader->err);

	while (r == 0 && logical_line(&c, &line))
		if (line.n && *line.p != '#')
			r = read_line(&c, line);
	return r == 0 && c.open.n ? refuse(&c, "a block has no end") : r;
}

/* Modules that are no files: those of Debian's build; of others only the first few are built in, and
 * the rest is loaded by name. */
static void add_built_in(struct reader *r)
{
	static const char *const always[] = {"core_module", "so_module", "http_module"};
	static const char *const debian[] = {"log_config_module", "logio_module", "version_module",
										 "unixd_module", "watchdog_module"};

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		add_module(r, str_of(always[i]), STR(""));
	map_put(&r->config->modules, STR("core.c"), r);
	for (size_t i = 0; strcmp(r->root, "/etc/apache2") == 0 && i < ARRAY_LEN(debian); i++)
		add_module(r, str_of(debian[i]), STR(""));
}

int apache_config_read(struct host *host, struct arena *arena, struct apache_config *ret,
					   struct err *err)
{
	static const char *const places[][3] = {
		{"/etc/apache2", "/etc/apache2/apache2.conf", "/etc/apache2/"},
		{"/etc/httpd", "/etc/httpd/conf/httpd.conf", "/etc/httpd/"},
	};
	struct reader r = {.host = host, .arena = arena, .err = err, .config = ret};
	struct str envvars;
	int result = -ENOENT;

	for (size_t i = 0; result == -ENOENT && !r.included.paths.n && i < ARRAY_LEN(places); i++) {
		*ret = (struct apache_config){.directory = places[i][2]};
		map_init(&ret->modules, arena);
		map_init(&r.variables, arena);
		included_init(&r.included, "Apache", arena);
		r.root = places[i][0];
		add_built_in(&r);
		result = host_read(host, "/etc/apache2/envvars", arena, &envvars, err);
		if (result == 0)
			result = read_envvars(&r, envvars);
		if (result == 0 || result == -ENOENT)
			result = read_file(&r, places[i][1], &ret->root, 0);
	}
	ret->files = r.included.paths.p;
	ret->n_files = r.included.paths.n;
	return result == -ENOENT && r.included.paths.n ? -EBADMSG : result;
}
