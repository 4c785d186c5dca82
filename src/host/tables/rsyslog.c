/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rsyslog.conf and what it includes: what is taken in, and where it goes. Both of its languages are
 * read, lines of sysklogd's kind and RainerScript, which may be mixed within one statement.
 */
#include "base/buf.h"
#include "base/vec.h"
#include "host/glob.h"
#include "host/secret.h"
#include "host/table.h"

enum { KIND, SELECTOR, TARGET, ACTION, PROTOCOL, TLS, TEXT };

static const struct column columns[] = {
	[KIND] = {"kind", TYPE_STRING, "rule, module, input or global", COLUMN_LABEL},
	[SELECTOR] = {"selector", TYPE_STRING,
				  "Messages that a rule is for, as written; absent: all that come by",
				  COLUMN_LABEL},
	[TARGET] = {"target", TYPE_STRING, "File, host or program that they go to", COLUMN_LABEL},
	[ACTION] = {"action", TYPE_STRING, "file, remote, discard, pipe, user, program or other", 0},
	[PROTOCOL] = {"protocol", TYPE_STRING, "udp, tcp or relp, of a remote one", 0},
	[TLS] = {"tls", TYPE_BOOL, "They are sent encrypted, of a remote one", 0},
	[TEXT] = {"text", TYPE_STRING, "The statement as written, blanks squeezed", 0},
	{0},
};

#define MAX_DEPTH 16
#define MAX_FILES 1024
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_BLOCKS 64

struct param {
	struct str name, value;
};
typedef VEC(struct param) params;

struct reader {
	struct host *host;
	struct rows *rows;
	size_t bytes, files;
	/* What the legacy directives have set for the actions that follow. */
	bool send_mode, send_driver_tls, send_driver_set;
	bool default_tls;             /* the driver of all streams that name none */
	VEC(struct row *) by_default; /* whose encryption depends on it */
};

struct scanner {
	const char *file;
	struct str text;
	size_t i;
	unsigned line;
	struct str selector;           /* of the statement before, for "&" */
	struct str blocks[MAX_BLOCKS]; /* selectors of the blocks around */
	size_t n_blocks;
};

/* --- scanning ----------------------------------------------------------------------------------
 */

static char peek(const struct scanner *s, size_t ahead)
{
	return s->i + ahead < s->text.n ? s->text.p[s->i + ahead] : '\0';
}

static bool at_end(const struct scanner *s)
{
	return s->i >= s->text.n;
}

static void step(struct scanner *s)
{
	if (s->text.p[s->i++] == '\n')
		s->line++;
}

static bool is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_line(struct scanner *s)
{
	while (!at_end(s) && peek(s, 0) != '\n')
		step(s);
}

static void skip_comment(struct scanner *s)
{
	while (!at_end(s) && !(peek(s, 0) == '*' && peek(s, 1) == '/'))
		step(s);
	s->i = MIN(s->i + 2, s->text.n);
}

static void skip_white(struct scanner *s)
{
	for (;;) {
		while (!at_end(s) && is_white(peek(s, 0)))
			step(s);
		if (peek(s, 0) == '#')
			skip_line(s);
		else if (peek(s, 0) == '/' && peek(s, 1) == '*')
			skip_comment(s);
		else
			return;
	}
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		   c == '.' || c == '-';
}

static struct str take_name(struct scanner *s)
{
	size_t start = s->i;

	while (!at_end(s) && is_name(peek(s, 0)))
		s->i++;
	return (struct str){s->text.p + start, s->i - start};
}

static void skip_quoted(struct scanner *s)
{
	char quote = peek(s, 0);

	step(s);
	while (!at_end(s) && peek(s, 0) != quote) {
		if (peek(s, 0) == '\\')
			step(s);
		if (!at_end(s))
			step(s);
	}
	if (!at_end(s))
		step(s);
}

/* The rest of the line; a backslash at its end goes on in the next one. */
static struct str take_line(struct scanner *s)
{
	size_t start = s->i;

	while (!at_end(s) && !(peek(s, 0) == '\n' && s->text.p[s->i - 1] != '\\'))
		step(s);
	return str_trim((struct str){s->text.p + start, s->i - start});
}

/* Runs of white space become one blank; a backslash at the end of a line joins it to the next. */
static struct str squeeze(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	struct str word;
	bool joined = true;
	size_t n = 0;

	while (str_word(&s, &word)) {
		if (!joined)
			p[n++] = ' ';
		joined = str_ends(word, "\\") && s.n && s.p[0] == '\n';
		memcpy(p + n, word.p, word.n - joined);
		n += word.n - joined;
	}
	return (struct str){p, n};
}

static struct str since(const struct scanner *s, size_t start)
{
	return (struct str){s->text.p + start, s->i - start};
}

/* --- parameters ----------------------------------------------------------------------------------
 */

static struct str take_value(struct scanner *s)
{
	size_t start = s->i;

	if (peek(s, 0) == '"' || peek(s, 0) == '\'') {
		skip_quoted(s);
		return s->i - start < 2 ? STR("") : (struct str){s->text.p + start + 1, s->i - start - 2};
	}
	if (peek(s, 0) == '[') {
		while (!at_end(s) && peek(s, 0) != ']')
			if (peek(s, 0) == '"')
				skip_quoted(s);
			else
				step(s);
		if (!at_end(s))
			step(s);
		return since(s, start);
	}
	while (!at_end(s) && !is_white(peek(s, 0)) && peek(s, 0) != ')')
		step(s);
	return since(s, start);
}

/* From behind "(" to behind ")". False when it does not end. */
static bool take_params(struct arena *a, struct scanner *s, params *ret)
{
	for (;;) {
		struct param param;

		skip_white(s);
		if (at_end(s))
			return false;
		if (peek(s, 0) == ')') {
			s->i++;
			return true;
		}
		param.name = take_name(s);
		skip_white(s);
		if (!param.name.n || peek(s, 0) != '=') {
			if (!at_end(s))
				step(s);
			continue;
		}
		s->i++;
		skip_white(s);
		param.value = take_value(s);
		*vec_push(a, ret) = param;
	}
}

static struct str get(const params *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_is_nocase(all->p[i].name, name))
			return all->p[i].value;
	return STR_ABSENT;
}

/* --- rows
 * ------------------------------------------------------------------------------------------ */

static struct row *add_row(struct reader *r, const char *kind, struct from from, struct str text)
{
	struct row *row = rows_add(r->rows, from);

	row_strz(row, KIND, kind);
	row_str(row, TEXT, secret_masked(r->rows->arena, squeeze(r->rows->arena, text)));
	return row;
}

static void set_action(struct row *row, const char *action, struct str target)
{
	row_strz(row, ACTION, action);
	if (target.n)
		row_str(row, TARGET, target);
}

static bool is_tls_driver(struct str name)
{
	return str_is_nocase(name, "gtls") || str_is_nocase(name, "ossl") ||
		   str_is_nocase(name, "mbedtls");
}

/* Whether a stream is encrypted: mode 1 asks for it, the driver must be one that can. */
static void set_tls(struct reader *r, struct row *row, bool mode, bool driver_set, bool driver_tls)
{
	row_bool(row, TLS, mode && driver_set && driver_tls);
	if (mode && !driver_set)
		*vec_push(r->rows->arena, &r->by_default) = row;
}

/* What an action names, without the template behind it. */
static struct str without_template(struct str target)
{
	struct str plain = STR("");

	str_cut(&target, ';', &plain);
	return str_trim(plain);
}

/* "@@(z9)host:port;template", behind the first "@". */
static void set_forward(struct reader *r, struct row *row, struct str target)
{
	bool tcp = str_skip(&target, "@");
	struct str options;

	if (str_starts(target, "(") && str_has_char(target, ')'))
		str_cut(&target, ')', &options);
	set_action(row, "remote", without_template(target));
	row_strz(row, PROTOCOL, tcp ? "tcp" : "udp");
	set_tls(r, row, tcp && r->send_mode, r->send_driver_set, r->send_driver_tls);
}

/* ":omrelp:host:port" and other modules. */
static void set_module_action(struct row *row, struct str rest)
{
	struct str module;

	str_cut(&rest, ':', &module);
	if (str_is(module, "omrelp")) {
		set_action(row, "remote", rest);
		row_strz(row, PROTOCOL, "relp");
		row_bool(row, TLS, false);
	} else if (str_is(module, "omusrmsg")) {
		set_action(row, "user", rest);
	} else if (str_is(module, "omfile")) {
		set_action(row, "file", rest);
	} else {
		set_action(row, "other", module);
	}
}

static void set_legacy_action(struct reader *r, struct row *row, struct str action)
{
	struct str target = action;

	if (str_is(action, "stop") || str_is(action, "~")) {
		set_action(row, "discard", STR_ABSENT);
	} else if (str_skip(&target, "@")) {
		set_forward(r, row, target);
	} else if (str_skip(&target, ":")) {
		set_module_action(row, target);
	} else if (str_skip(&target, "|")) {
		set_action(row, "pipe", without_template(target));
	} else if (str_skip(&target, "^")) {
		set_action(row, "program", without_template(target));
	} else {
		str_skip(&target, "-");
		set_action(row, str_starts(target, "/") || str_starts(target, "?") ? "file" : "user",
				   without_template(target));
	}
}

static void set_remote(struct reader *r, struct row *row, const params *p, bool relp)
{
	struct str protocol = get(p, "protocol"), driver = get(p, "StreamDriver");
	struct str name = get(p, "StreamDriver.Name"), mode = get(p, "StreamDriverMode");
	struct str target = get(p, "target"), port = get(p, "port");

	if (!driver.p)
		driver = name;
	if (!mode.p)
		mode = get(p, "StreamDriver.Mode");
	if (port.n)
		target = str_of(arena_printf(r->rows->arena, "%s:%s", str_dup(r->rows->arena, target),
									 str_dup(r->rows->arena, port)));
	set_action(row, "remote", target);
	row_strz(row, PROTOCOL, relp ? "relp" : str_is_nocase(protocol, "tcp") ? "tcp" : "udp");
	if (relp)
		row_bool(row, TLS, str_is_nocase(get(p, "tls"), "on"));
	else
		set_tls(r, row, str_is_nocase(protocol, "tcp") && str_is(mode, "1"), driver.p,
				is_tls_driver(driver));
}

static void set_object_action(struct reader *r, struct row *row, const params *p)
{
	struct str type = get(p, "type"), file = get(p, "file");

	if (str_is_nocase(type, "omfwd") || str_is_nocase(type, "omrelp"))
		set_remote(r, row, p, str_is_nocase(type, "omrelp"));
	else if (str_is_nocase(type, "omfile"))
		set_action(row, "file", file.p ? file : get(p, "dynaFile"));
	else if (str_is_nocase(type, "ompipe"))
		set_action(row, "pipe", get(p, "pipe"));
	else if (str_is_nocase(type, "omusrmsg"))
		set_action(row, "user", get(p, "users"));
	else if (str_is_nocase(type, "omprog"))
		set_action(row, "program", get(p, "binary"));
	else
		set_action(row, "other", type);
}

/* --- statements
 * ------------------------------------------------------------------------------------- */

static void read_file(struct reader *r, const char *path, unsigned depth);

static void include(struct reader *r, struct str pattern, struct from from, unsigned depth)
{
	struct str *paths;
	struct err err = {0};
	size_t n;

	if (depth >= MAX_DEPTH) {
		rows_gap(r->rows, "%s:%u: too many includes within one another", from.path, from.line);
		return;
	}
	if (str_ends(pattern, "/")) /* a directory: all that is in it */
		pattern = str_of(arena_printf(r->rows->arena, "%s*", str_dup(r->rows->arena, pattern)));
	if (host_glob(r->host, r->rows->arena, pattern, &paths, &n, &err) < 0) {
		rows_gap(r->rows, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_file(r, paths[i].p, depth + 1);
}

/* $Directive value */
static void read_directive(struct reader *r, struct str line, struct from from, unsigned depth)
{
	struct str rest = line, name, value = STR("");
	const char *kind = "global";

	str_word(&rest, &name);
	str_word(&rest, &value);
	if (str_is_nocase(name, "$IncludeConfig")) {
		include(r, value, from, depth);
		return;
	}
	if (str_is_nocase(name, "$ModLoad"))
		kind = "module";
	else if (str_ends(name, "ServerRun") || str_is_nocase(name, "$UDPServerRun") ||
			 str_is_nocase(name, "$InputTCPServerRun") ||
			 str_is_nocase(name, "$InputRELPServerRun"))
		kind = "input";
	else if (str_is_nocase(name, "$DefaultNetstreamDriver"))
		r->default_tls = is_tls_driver(value);
	else if (str_is_nocase(name, "$ActionSendStreamDriverMode"))
		r->send_mode = str_is(value, "1");
	else if (str_is_nocase(name, "$ActionSendStreamDriver")) {
		r->send_driver_set = true;
		r->send_driver_tls = is_tls_driver(value);
	}
	add_row(r, kind, from, line);
}

static struct str current_selector(const struct scanner *s)
{
	return s->n_blocks ? s->blocks[s->n_blocks - 1] : STR_ABSENT;
}

static void add_object(struct reader *r, struct scanner *s, struct str name, const params *p,
					   struct str text, struct from from, unsigned depth)
{
	struct str driver = get(p, "defaultNetstreamDriver");

	if (str_is_nocase(name, "action")) {
		struct row *row = add_row(r, "rule", from, text);

		row_str(row, SELECTOR, s->selector);
		set_object_action(r, row, p);
	} else if (str_is_nocase(name, "module")) {
		add_row(r, "module", from, text);
	} else if (str_is_nocase(name, "input")) {
		add_row(r, "input", from, text);
	} else if (str_is_nocase(name, "include")) {
		if (get(p, "file").n)
			include(r, get(p, "file"), from, depth);
	} else if (str_is_nocase(name, "global")) {
		add_row(r, "global", from, text);
		if (driver.p)
			r->default_tls = is_tls_driver(driver);
	}
}

/* "name(...)" at the scanner. False when there is none. */
static bool read_object(struct reader *r, struct scanner *s, unsigned depth)
{
	struct scanner try = *s;
	struct from from = FROM(s->file, s->line);
	size_t start = s->i;
	struct str name = take_name(&try);
	params p = {0};

	skip_white(&try);
	if (!name.n || peek(&try, 0) != '(' || str_is_nocase(name, "if"))
		return false;
	try.i++;
	*s = try;
	if (!take_params(r->rows->arena, s, &p)) {
		rows_gap(r->rows, "%s:%u: a parenthesis is not closed", from.path, from.line);
		return true;
	}
	add_object(r, s, name, &p, since(s, start), from, depth);
	return true;
}

/* Up to the word "then", which is passed over. */
static struct str take_condition(struct scanner *s)
{
	size_t start = s->i, end;

	while (!at_end(s)) {
		char c = peek(s, 0);

		if (c == '"' || c == '\'') {
			skip_quoted(s);
		} else if (is_name(c)) {
			end = s->i;
			if (str_is_nocase(take_name(s), "then"))
				return str_trim((struct str){s->text.p + start, end - start});
		} else {
			step(s);
		}
	}
	return since(s, start);
}

/* `:msg, contains, "text"`: ends with its value. */
static struct str take_property_filter(struct scanner *s)
{
	size_t start = s->i;

	while (!at_end(s) && peek(s, 0) != '"' && peek(s, 0) != '\n')
		step(s);
	if (peek(s, 0) == '"')
		skip_quoted(s);
	return since(s, start);
}

static void open_block(struct reader *r, struct scanner *s)
{
	s->i++;
	if (s->n_blocks == MAX_BLOCKS)
		rows_gap(r->rows, "%s:%u: blocks are nested too deep", s->file, s->line);
	else
		s->blocks[s->n_blocks++] = s->selector;
}

/* What is done with the messages of s->selector: an object, a block, or the rest of the line. */
static void read_action(struct reader *r, struct scanner *s, struct from from, size_t start,
						unsigned depth)
{
	struct str action;
	struct row *row;

	while (!at_end(s) && (peek(s, 0) == ' ' || peek(s, 0) == '\t'))
		step(s);
	if (peek(s, 0) == '{') {
		open_block(r, s);
		return;
	}
	if (read_object(r, s, depth))
		return;
	action = take_line(s);
	if (!action.n)
		return;
	if (str_ends(action, "}")) { /* if ... then { stop } on one line */
		action = str_trim((struct str){action.p, action.n - 1});
		s->i = (size_t)(action.p + action.n - s->text.p);
	}
	row = add_row(r, "rule", from, since(s, start));
	row_str(row, SELECTOR, s->selector);
	set_legacy_action(r, row, squeeze(r->rows->arena, action));
}

/* A selector ends with a blank, but not behind a backslash that ends its line. */
static struct str take_selector(struct arena *a, struct scanner *s)
{
	_cleanup_buf_ struct buf out = BUF(64 << 10);
	size_t start = s->i;

	while (!at_end(s) && !is_white(peek(s, 0))) {
		if (peek(s, 0) == '\\' && peek(s, 1) == '\n') {
			buf_str(&out, since(s, start));
			for (s->i++; !at_end(s) && is_white(peek(s, 0));)
				step(s);
			start = s->i;
		} else {
			step(s);
		}
	}
	if (!out.n)
		return since(s, start);
	buf_str(&out, since(s, start));
	return (struct str){str_dup(a, buf_get(&out)), out.n};
}

/* Statements that neither take in nor send anything. */
static bool is_passed_over(struct str word)
{
	static const char *const words[] = {
		"set",           "unset",    "reset",   "call",
		"call_indirect", "continue", "foreach", "reload_lookup_table"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_is_nocase(word, words[i]))
			return true;
	return false;
}

static void read_word_statement(struct reader *r, struct scanner *s, unsigned depth)
{
	struct from from = FROM(s->file, s->line);
	struct scanner try = *s;
	size_t start = s->i;
	struct str word = take_name(&try);

	if (str_is_nocase(word, "if")) {
		*s = try;
		s->selector = squeeze(r->rows->arena, take_condition(s));
		skip_white(s);
		read_action(r, s, from, start, depth);
	} else if (str_is_nocase(word, "else")) {
		*s = try;
	} else if (is_passed_over(word)) {
		while (!at_end(s) && peek(s, 0) != ';' && peek(s, 0) != '\n' && peek(s, 0) != '{')
			step(s);
	} else if (str_is_nocase(word, "stop") || read_object(r, s, depth)) {
		if (s->i != start)
			return;
		s->selector = current_selector(s);
		read_action(r, s, from, start, depth);
	} else {
		s->selector = take_selector(r->rows->arena, s);
		if (!str_has_char(s->selector, '.'))
			rows_gap(r->rows, "%s:%u: not understood: %.*s", s->file, s->line,
					 STR_ARG(s->selector));
		read_action(r, s, from, start, depth);
	}
}

/* An action with no filter before it, as blocks hold them: a file, a host, ":omusrmsg:". */
static bool is_bare_action(const struct scanner *s)
{
	char c = peek(s, 0);

	if (c == '-' || c == ':')
		return c == '-' ? peek(s, 1) == '/' : peek(s, 1) == 'o' && peek(s, 2) == 'm';
	return c && strchr("/@|^~?*", c) && !(c == '*' && peek(s, 1) == '.');
}

static void read_statement(struct reader *r, struct scanner *s, unsigned depth)
{
	struct from from = FROM(s->file, s->line);
	size_t start = s->i;

	if (is_bare_action(s)) {
		read_action(r, s, from, start, depth);
		return;
	}
	switch (peek(s, 0)) {
	case '$':
		read_directive(r, squeeze(r->rows->arena, take_line(s)), from, depth);
		break;
	case '{':
		open_block(r, s);
		break;
	case '}':
		s->n_blocks -= s->n_blocks > 0;
		s->selector = current_selector(s);
		s->i++;
		break;
	case ';':
	case ')':
		s->i++;
		break;
	case '&':
		s->i++;
		read_action(r, s, from, start, depth);
		break;
	case ':':
		s->selector = take_property_filter(s);
		read_action(r, s, from, start, depth);
		break;
	case '!':
	case '+':
	case '-':
		skip_line(s); /* blocks of BSD's syslogd; rsyslog 7 and later refuse them */
		break;
	default:
		read_word_statement(r, s, depth);
	}
	if (s->i == start)
		s->i++; /* a byte that begins nothing */
}

static void read_file(struct reader *r, const char *path, unsigned depth)
{
	struct scanner s = {.file = path, .line = 1};
	struct err err = {0};
	int result = host_read(r->host, path, r->rows->arena, &s.text, &err);

	if (result == -ENOENT)
		return;
	r->bytes += result == 0 ? s.text.n : 0;
	if (result < 0 || r->bytes > MAX_BYTES || ++r->files > MAX_FILES) {
		rows_gap(r->rows, "%s", result < 0 ? err.msg : "rsyslog's files are too large or too many");
		return;
	}
	for (skip_white(&s); !at_end(&s); skip_white(&s)) {
		/* A statement that no filter stands before is for what its block is for. */
		if (peek(&s, 0) != '&')
			s.selector = current_selector(&s);
		read_statement(r, &s, depth);
	}
}

static int read_rsyslog(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {.host = host, .rows = rows};

	read_file(&r, "/etc/rsyslog.conf", 0);
	vec_each(&r.by_default, row)
		row_bool(*row, TLS, r.default_tls);
	return 0;
}

static const struct table rsyslog = {
	.name = "rsyslog",
	.doc = "Inputs, rules and settings of rsyslog, from /etc/rsyslog.conf and what it includes",
	.columns = columns,
	.read = read_rsyslog,
	.started =
		&(const struct started){
			.programs = STARTED("rsyslogd"),
			.checks = STARTED("-N*", "-v"),
			.units = STARTED("rsyslog.service"),
			.usual = STARTED("-n", "-i*", "-x", "-f /etc/rsyslog.conf"),
		},
};
TABLE(rsyslog);
