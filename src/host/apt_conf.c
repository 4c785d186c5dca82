/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apt_conf.h"

#include "base/vec.h"

#define PARTS "/etc/apt/apt.conf.d"
#define MAIN "/etc/apt/apt.conf"
#define MAX_DEPTH 100 /* as apt's own stack */
#define MAX_ITEMS 16384
#define MAX_NAME 1024 /* no option comes near; keeps deep nesting from growing names without end */

struct parser {
	struct arena *arena;
	struct apt_conf *conf;
	struct str text;
	const char *file;
	unsigned line;
	struct str scopes[MAX_DEPTH];
	unsigned depth;
};

static void gap(struct apt_conf *conf, const char *why)
{
	if (!conf->gap)
		conf->gap = why;
}

static void bad(struct parser *p, const char *what)
{
	gap(p->conf, arena_printf(p->arena, "%s:%u: %s", p->file, p->line, what));
	p->text = STR(""); /* apt would not go on either */
}

/* --- tokens ---------------------------------------------------------------------------------- */

static void skip(struct parser *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p->line += p->text.p[i] == '\n';
	p->text.p += n;
	p->text.n -= n;
}

static void skip_to(struct parser *p, const char *end)
{
	const char *at = memmem(p->text.p, p->text.n, end, strlen(end));

	skip(p, at ? (size_t)(at - p->text.p) + strlen(end) : p->text.n);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_word(char c)
{
	return is_space(c) || c == ';' || c == '{' || c == '}' || c == '"';
}

static bool is_directive(struct str s)
{
	return str_starts(s, "#clear") || str_starts(s, "#include");
}

static void skip_blank(struct parser *p)
{
	while (p->text.n) {
		if (is_space(p->text.p[0]))
			skip(p, 1);
		else if (str_starts(p->text, "//") || (p->text.p[0] == '#' && !is_directive(p->text)))
			skip_to(p, "\n");
		else if (str_starts(p->text, "/*"))
			skip_to(p, "*/");
		else
			return;
	}
}

/* A quoted string, or what is up to a blank or punctuation. Absent when there is neither. */
static struct str take_word(struct parser *p)
{
	struct str word = {p->text.p, 0};
	const char *end;

	if (str_starts(p->text, "\"")) {
		end = memchr(p->text.p + 1, '"', p->text.n - 1);
		if (!end) {
			bad(p, "a quote that does not end");
			return STR_ABSENT;
		}
		word = (struct str){p->text.p + 1, (size_t)(end - p->text.p) - 1};
		skip(p, word.n + 2);
		return word;
	}
	while (word.n < p->text.n && !ends_word(p->text.p[word.n]))
		word.n++;
	skip(p, word.n);
	return word.n ? word : STR_ABSENT;
}

/* --- statements ------------------------------------------------------------------------------ */

static struct str full_name(struct parser *p, struct str tag)
{
	struct str scope = p->depth ? p->scopes[p->depth - 1] : STR("");

	if (scope.n + tag.n > MAX_NAME) {
		bad(p, "a name that is too long");
		return STR("");
	}
	return str_of(
		arena_printf(p->arena, "%.*s%s%.*s", STR_ARG(scope), scope.n ? "::" : "", STR_ARG(tag)));
}

/* The name itself, or something below it. */
static bool is_below(struct str name, struct str top)
{
	return name.n >= top.n && str_is_nocase((struct str){name.p, top.n}, top.p) &&
		   (name.n == top.n || str_starts((struct str){name.p + top.n, name.n - top.n}, "::"));
}

static void clear(struct parser *p, struct str name)
{
	struct str top = {str_dup(p->arena, name), name.n};

	for (size_t i = 0; i < p->conf->n; i++)
		if (is_below(p->conf->p[i].name, top))
			p->conf->p[i].cleared = true;
}

static void add(struct parser *p, unsigned line, struct str tag, struct str value)
{
	struct str name = full_name(p, tag);

	if (p->conf->n == MAX_ITEMS) {
		bad(p, "too many settings");
		return;
	}
	*vec_push(p->arena, p->conf) = (struct apt_item){name, value, p->file, line, false};
}

static void directive(struct parser *p, struct str tag, struct str value)
{
	if (str_is(tag, "#clear") && value.p)
		clear(p, value);
	else
		bad(p, "#include is not followed");
}

static void open_scope(struct parser *p, struct str tag, struct str value)
{
	if (p->depth == MAX_DEPTH) {
		bad(p, "blocks in blocks in blocks");
		return;
	}
	/* "Name value {" is a block called Name::value. */
	if (value.p)
		tag = str_of(arena_printf(p->arena, "%.*s::%.*s", STR_ARG(tag), STR_ARG(value)));
	p->scopes[p->depth] = full_name(p, tag);
	p->depth++;
}

/* TAG VALUE; or VALUE; (an item of the list that the block is) or TAG { or TAG VALUE { */
static void statement(struct parser *p)
{
	unsigned line = p->line;
	struct str tag = take_word(p), value;

	skip_blank(p);
	value = take_word(p);
	skip_blank(p);
	if (str_skip(&p->text, "{")) {
		open_scope(p, tag.p ? tag : STR(""), value);
	} else if (!str_skip(&p->text, ";") && !str_starts(p->text, "}")) {
		bad(p, "a statement without ';'");
	} else if (tag.p && tag.n && tag.p[0] == '#') {
		directive(p, tag, value);
	} else if (tag.p) {
		add(p, line, value.p ? tag : STR(""), value.p ? value : tag);
	}
}

void apt_conf_parse(struct arena *a, struct str text, const char *file, struct apt_conf *conf)
{
	struct parser p = {.arena = a, .conf = conf, .text = text, .file = file, .line = 1};

	for (skip_blank(&p); p.text.n; skip_blank(&p)) {
		if (str_skip(&p.text, ";"))
			continue;
		if (str_skip(&p.text, "}")) {
			p.depth -= p.depth > 0;
			continue;
		}
		statement(&p);
	}
}

/* --- files ----------------------------------------------------------------------------------- */

/* apt takes names of letters, digits, '-', '_', ':' and '.', with the extension conf or none. */
static bool is_part(struct str name)
{
	const char *dot = memrchr(name.p, '.', name.n);

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '-' &&
			c != '_' && c != ':' && c != '.')
			return false;
	}
	return name.p[0] != '.' && (!dot || strcmp(dot, ".conf") == 0);
}

static void read_one(struct host *host, struct arena *a, const char *path, struct apt_conf *conf)
{
	struct err err = {0};
	struct str text;
	int r = host_read(host, path, a, &text, &err);

	if (r == 0)
		apt_conf_parse(a, text, path, conf);
	else if (r != -ENOENT && r != -EISDIR)
		gap(conf, arena_strdup(a, err.msg));
}

void apt_conf_read(struct host *host, struct arena *a, struct apt_conf *ret)
{
	struct host_dir dir = {0};
	struct err err = {0};
	int r = host_list(host, PARTS, a, &dir, &err);

	*ret = (struct apt_conf){0};
	if ((r < 0 && r != -ENOENT) || dir.more)
		gap(ret, r < 0 ? arena_strdup(a, err.msg) : PARTS ": too many files");
	for (size_t i = 0; i < dir.n; i++)
		if (is_part(str_of(dir.entries[i].name)))
			read_one(host, a, arena_printf(a, PARTS "/%s", dir.entries[i].name), ret);
	read_one(host, a, MAIN, ret);
}

const struct apt_item *apt_conf_last(const struct apt_conf *conf, const char *name)
{
	for (size_t i = conf->n; i-- > 0;)
		if (!conf->p[i].cleared && str_is_nocase(conf->p[i].name, name))
			return &conf->p[i];
	return NULL;
}

/* "/etc/apt/sources.list.d/" is "sources.list.d". */
static struct str below_apt(struct str path)
{
	while (str_skip(&path, "/"))
		;
	(void)str_skip(&path, "etc/apt/");
	while (str_ends(path, "/"))
		path.n--;
	return path;
}

const char *apt_conf_elsewhere(const struct apt_conf *conf, struct arena *a)
{
	static const char *const usual[][2] = {
		{"RootDir", ""},
		{"Dir", ""},
		{"Dir::Etc", "etc/apt"},
		{"Dir::Etc::SourceList", "sources.list"},
		{"Dir::Etc::SourceParts", "sources.list.d"},
		{"Dir::Etc::Trusted", "trusted.gpg"},
		{"Dir::Etc::TrustedParts", "trusted.gpg.d"},
		{"Dir::Etc::Main", "apt.conf"},
		{"Dir::Etc::Parts", "apt.conf.d"},
	};

	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		const struct apt_item *item = apt_conf_last(conf, usual[i][0]);

		if (item && !str_is(below_apt(item->value), usual[i][1]))
			return arena_printf(a, "%s:%u: %s has apt look elsewhere", item->file, item->line,
								usual[i][0]);
	}
	return NULL;
}

bool apt_bool(struct str s, bool otherwise)
{
	if (str_is_one_of_nocase(s, NAMES("no", "false", "without", "off", "disable", "0")))
		return false;
	return otherwise || str_is_one_of_nocase(s, NAMES("yes", "true", "with", "on", "enable", "1"));
}

bool apt_conf_bool(const struct apt_conf *conf, const char *name, bool otherwise)
{
	const struct apt_item *item = apt_conf_last(conf, name);

	return item ? apt_bool(item->value, otherwise) : otherwise;
}

int apt_conf_set(const struct apt_conf *conf, struct str name, struct str value, struct edits *edits,
				 struct err *err)
{
	static const char own[] = "/etc/apt/apt.conf.d/99revet";
	const struct apt_item *item = apt_conf_last(conf, str_dup(edits->arena, name));

	if (item && (strcmp(item->file, "/etc/apt/apt.conf") == 0 || strcmp(item->file, own) > 0))
		return err_set(err, ENOTSUP, "%s:%u sets %.*s: edit it there", item->file, item->line,
					   STR_ARG(name));
	edit_key(edits, own, EDIT_APT, NULL, name, value);
	return 0;
}
