/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "spec/template_private.h"

#define MAX_DEPTH 100

struct parser {
	struct arena *arena;
	const char *name;
	struct str rest;
	uint32_t line;
	struct template_tree *tree;
	unsigned depth, loops;
	struct err *err;
};

static int bad(struct parser *p, const char *fmt, ...) _printf_(2, 3);
static int bad(struct parser *p, const char *fmt, ...)
{
	char message[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return err_set(p->err, EINVAL, "%s:%u: template: %s", p->name, p->line, message);
}

static void skip(struct parser *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p->line += p->rest.p[i] == '\n';
	p->rest.p += n;
	p->rest.n -= n;
}

static char peek(const struct parser *p)
{
	return p->rest.n ? p->rest.p[0] : 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool skip_blanks(struct parser *p)
{
	bool any = false;

	while (p->rest.n && is_blank(peek(p))) {
		skip(p, 1);
		any = true;
	}
	return any;
}

static bool take(struct parser *p, const char *what)
{
	if (!str_starts(p->rest, what))
		return false;
	skip(p, strlen(what));
	return true;
}

/* `}}`, or ` -}}`, which takes the blanks behind it along. */
static bool at_end(const struct parser *p)
{
	struct str rest = p->rest;

	while (rest.n && is_blank(rest.p[0]))
		rest = (struct str){rest.p + 1, rest.n - 1};
	return str_starts(rest, "}}") || (rest.p > p->rest.p && str_starts(rest, "-}}"));
}

static int take_end(struct parser *p)
{
	bool blank = skip_blanks(p);

	if (take(p, "}}"))
		return 0;
	if (!blank || !take(p, "-}}"))
		return bad(p, "unexpected '%.*s' in an action", (int)MIN(p->rest.n, (size_t)20), p->rest.p);
	skip_blanks(p);
	return 0;
}

static bool is_name(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || (c & 0x80);
}

static struct str take_name(struct parser *p)
{
	size_t n = 0;
	struct str name;

	while (n < p->rest.n && is_name(p->rest.p[n]))
		n++;
	name = (struct str){p->rest.p, n};
	skip(p, n);
	return name;
}

/* A keyword, as a whole word. */
static bool take_word(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	if (!str_starts(p->rest, word) || (p->rest.n > n && is_name(p->rest.p[n])))
		return false;
	skip(p, n);
	return true;
}

/* --- literals -------------------------------------------------------------------------------- */

static int digits(struct parser *p, size_t n, unsigned base, uint32_t *ret)
{
	for (*ret = 0; n; n--) {
		char c = peek(p);
		unsigned digit = c >= '0' && c <= '9'                 ? (unsigned)c - '0'
						 : (c | 32) >= 'a' && (c | 32) <= 'f' ? (unsigned)(c | 32) - 'a' + 10
															  : 99;

		if (digit >= base)
			return bad(p, "invalid escape in a text");
		*ret = *ret * base + digit;
		skip(p, 1);
	}
	return 0;
}

/* Behind a backslash: what it stands for, into to[4]. */
static int take_escape(struct parser *p, char *to, size_t *ret_n)
{
	static const char letters[] = "abfnrtv\\'\"", bytes[] = "\a\b\f\n\r\t\v\\'\"";
	char c = peek(p);
	const char *letter = c ? strchr(letters, c) : NULL;
	uint32_t rune;
	int r;

	*ret_n = 1;
	if (letter) {
		skip(p, 1);
		to[0] = bytes[letter - letters];
		return 0;
	}
	if (c >= '0' && c <= '7') {
		r = digits(p, 3, 8, &rune);
		to[0] = (char)rune;
		return r == 0 && rune > 255 ? bad(p, "invalid escape in a text") : r;
	}
	if (c != 'x' && c != 'u' && c != 'U')
		return bad(p, "invalid escape in a text");
	skip(p, 1);
	r = digits(p, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, &rune);
	if (r == 0 && (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)))
		return bad(p, "invalid escape in a text");
	if (c == 'x')
		to[0] = (char)rune;
	else if (r == 0)
		*ret_n = str_put_utf8(to, rune);
	return r;
}

static int take_quoted(struct parser *p, struct str *ret)
{
	char quote = peek(p), *text = arena_alloc(p->arena, p->rest.n + 4);
	size_t n = 0, k;

	skip(p, 1);
	while (peek(p) != quote) {
		if (!p->rest.n || peek(p) == '\n')
			return bad(p, "a text has no end");
		if (!take(p, "\\")) {
			text[n++] = peek(p);
			skip(p, 1);
			continue;
		}
		if (take_escape(p, text + n, &k) < 0)
			return -EINVAL;
		n += k;
	}
	skip(p, 1);
	*ret = (struct str){text, n};
	return 0;
}

static int take_raw(struct parser *p, struct str *ret)
{
	struct str rest = (struct str){p->rest.p + 1, p->rest.n - 1};

	if (!str_has_char(rest, '`'))
		return bad(p, "a text has no end");
	(void)str_cut(&rest, '`', ret);
	skip(p, ret->n + 2);
	return 0;
}

static int take_number(struct parser *p, struct datum *ret)
{
	size_t n = 0;
	struct str text;

	while (n < p->rest.n && (is_name(p->rest.p[n]) || p->rest.p[n] == '.' ||
							 ((p->rest.p[n] == '-' || p->rest.p[n] == '+') &&
							  (n == 0 || (p->rest.p[n - 1] | 32) == 'e'))))
		n++;
	text = (struct str){p->rest.p, n};
	if (datum_parse_number(text, ret) < 0)
		return bad(p, "'%.*s' is no number", STR_ARG(text));
	skip(p, n);
	return 0;
}

/* 'x' is the number of the rune. */
static int take_rune(struct parser *p, struct datum *ret)
{
	const unsigned char *c;
	struct str text;
	size_t n;

	if (take_quoted(p, &text) < 0)
		return -EINVAL;
	n = str_utf8(text);
	c = (const unsigned char *)text.p;
	if (!n || n != text.n)
		return bad(p, "expected one character between single quotes");
	*ret = DATUM_NUMBER(n == 1   ? c[0]
						: n == 2 ? (c[0] & 0x1f) << 6 | (c[1] & 0x3f)
						: n == 3 ? (c[0] & 0xf) << 12 | (c[1] & 0x3f) << 6 | (c[2] & 0x3f)
								 : (c[0] & 7) << 18 | (c[1] & 0x3f) << 12 | (c[2] & 0x3f) << 6 |
									   (c[3] & 0x3f));
	return 0;
}

/* --- pipelines ------------------------------------------------------------------------------- */

static int parse_pipeline(struct parser *p, struct pipeline **ret);

static int parse_parentheses(struct parser *p, struct operand *o)
{
	struct pipeline *inner;

	skip(p, 1);
	if (++p->depth > MAX_DEPTH)
		return bad(p, "nested too deep");
	if (parse_pipeline(p, &inner) < 0)
		return -EINVAL;
	p->depth--;
	skip_blanks(p);
	if (!take(p, ")"))
		return bad(p, "a parenthesis has no end");
	o->kind = OPERAND_PIPELINE;
	o->pipeline = inner;
	return 0;
}

static int parse_word(struct parser *p, struct operand *o)
{
	static const struct {
		const char *word;
		struct datum is;
	} words[] = {{"true", {.kind = DATUM_BOOL, .yes = true}},
				 {"false", {.kind = DATUM_BOOL}},
				 {"nil", {.kind = DATUM_NULL}}};
	struct str name = take_name(p);

	o->kind = OPERAND_LITERAL;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_is(name, words[i].word)) {
			o->literal = words[i].is;
			return 0;
		}
	o->kind = OPERAND_FUNCTION;
	o->name = name;
	o->function = template_function_find(name);
	return o->function ? 0 : bad(p, "there is no function '%.*s'", STR_ARG(name));
}

static int parse_literal(struct parser *p, struct operand *o)
{
	struct str text = STR_ABSENT;
	char c = peek(p);
	int r;

	o->kind = OPERAND_LITERAL;
	if (c == '\'')
		return take_rune(p, &o->literal);
	if (c != '"' && c != '`')
		return take_number(p, &o->literal);
	r = c == '"' ? take_quoted(p, &text) : take_raw(p, &text);
	o->literal = DATUM_STR(text);
	return r;
}

static int parse_operand(struct parser *p, struct operand *o)
{
	char c = peek(p), next = p->rest.n > 1 ? p->rest.p[1] : 0;
	int r = 0;

	if (c == '(') {
		r = parse_parentheses(p, o);
	} else if (c == '$') {
		skip(p, 1);
		o->kind = OPERAND_VARIABLE;
		o->name = take_name(p);
	} else if (c == '.' && !(next >= '0' && next <= '9')) {
		o->kind = OPERAND_DOT;
		if (!is_name(next))
			skip(p, 1);
	} else if (c == '"' || c == '`' || c == '\'' || c == '-' || c == '+' || c == '.' ||
			   (c >= '0' && c <= '9')) {
		r = parse_literal(p, o);
	} else if (is_name(c)) {
		r = parse_word(p, o);
	} else {
		r = c ? bad(p, "unexpected '%c' in an action", c) : bad(p, "an action has no end");
	}
	while (r == 0 && peek(p) == '.' && p->rest.n > 1 && is_name(p->rest.p[1])) {
		skip(p, 1);
		*vec_push(p->arena, &o->fields) = take_name(p);
	}
	return r;
}

static bool ends_command(const struct parser *p)
{
	return !p->rest.n || peek(p) == '|' || peek(p) == ')' || at_end(p);
}

static int parse_call(struct parser *p, struct command_call *c)
{
	skip_blanks(p);
	if (ends_command(p))
		return bad(p, "a value is missing");
	while (!ends_command(p)) {
		struct operand *o = vec_push(p->arena, &c->operands);

		if (parse_operand(p, o) < 0)
			return -EINVAL;
		if (ends_command(p))
			return 0;
		if (!skip_blanks(p))
			return bad(p, "unexpected '%c' in an action", peek(p));
	}
	return 0;
}

/* `$a := `, `$a, $b := `, `$a = `, if it begins so. */
static int parse_declarations(struct parser *p, struct pipeline *pipe)
{
	struct parser begin = *p;

	for (;;) {
		skip_blanks(p);
		if (!take(p, "$"))
			break;
		*vec_push(p->arena, &pipe->variables) = take_name(p);
		skip_blanks(p);
		if (pipe->variables.n < 2 && take(p, ","))
			continue;
		if (take(p, ":="))
			return 0;
		if (take(p, "=")) {
			pipe->assigns = true;
			return 0;
		}
		break;
	}
	pipe->variables.n = 0;
	*p = begin;
	return 0;
}

static int parse_pipeline(struct parser *p, struct pipeline **ret)
{
	struct pipeline *pipe = arena_new(p->arena, struct pipeline, 1);

	*ret = pipe;
	pipe->line = p->line;
	if (parse_declarations(p, pipe) < 0)
		return -EINVAL;
	do {
		if (parse_call(p, vec_push(p->arena, &pipe->commands)) < 0)
			return -EINVAL;
		if (!at_end(p)) /* whose own blanks say something */
			skip_blanks(p);
	} while (!at_end(p) && take(p, "|"));
	return 0;
}

/* --- parts ----------------------------------------------------------------------------------- */

enum end { END_OF_TEXT, END_END, END_ELSE };

static int parse_list(struct parser *p, struct part **ret, enum end *ret_end);

static struct part *part_new(struct parser *p, enum part_kind kind)
{
	struct part *part = arena_new(p->arena, struct part, 1);

	part->kind = kind;
	part->line = p->line;
	return part;
}

static int parse_block(struct parser *p, struct part *part);

/* Behind `else`: the end of the action, or another `if` or `with` in its place. */
static int parse_else(struct parser *p, struct part *part)
{
	enum end end;

	skip_blanks(p);
	if (part->kind != PART_RANGE && take_word(p, part->kind == PART_IF ? "if" : "with")) {
		part->otherwise = part_new(p, part->kind);
		return parse_block(p, part->otherwise);
	}
	if (take_end(p) < 0 || parse_list(p, &part->otherwise, &end) < 0)
		return -EINVAL;
	return end == END_END ? take_end(p) : bad(p, "expected {{end}}");
}

static int parse_block(struct parser *p, struct part *part)
{
	uint32_t begin = p->line;
	enum end end;
	int r;

	if (++p->depth > MAX_DEPTH)
		return bad(p, "nested too deep");
	p->loops += part->kind == PART_RANGE;
	if (parse_pipeline(p, &part->pipeline) < 0 || take_end(p) < 0 ||
		parse_list(p, &part->inner, &end) < 0)
		return -EINVAL;
	p->loops -= part->kind == PART_RANGE;
	if (end == END_OF_TEXT)
		return bad(p, "what begins on line %u has no {{end}}", begin);
	r = end == END_ELSE ? parse_else(p, part) : take_end(p);
	p->depth--;
	return r;
}

static int take_template_name(struct parser *p, struct str *ret)
{
	skip_blanks(p);
	if (peek(p) == '"')
		return take_quoted(p, ret);
	return peek(p) == '`' ? take_raw(p, ret) : bad(p, "expected the name of a template, in quotes");
}

static int parse_definition(struct parser *p, struct str name)
{
	struct definition d = {.name = name};
	enum end end;

	if (++p->depth > MAX_DEPTH)
		return bad(p, "nested too deep");
	if (take_end(p) < 0 || parse_list(p, &d.parts, &end) < 0)
		return -EINVAL;
	if (end != END_END)
		return bad(p, "the template %.*s has no {{end}}", STR_ARG(name));
	p->depth--;
	*vec_push(p->arena, &p->tree->definitions) = d;
	return take_end(p);
}

static int parse_use(struct parser *p, struct part **ret)
{
	struct part *part = part_new(p, PART_TEMPLATE);

	*ret = part;
	if (take_template_name(p, &part->text) < 0)
		return -EINVAL;
	if (!at_end(p) && parse_pipeline(p, &part->pipeline) < 0)
		return -EINVAL;
	return take_end(p);
}

/* {{block "name" value}}...{{end}}: defined and used in one place. */
static int parse_defined_use(struct parser *p, struct part **ret)
{
	struct part *part = part_new(p, PART_TEMPLATE);

	*ret = part;
	if (take_template_name(p, &part->text) < 0 || parse_pipeline(p, &part->pipeline) < 0)
		return -EINVAL;
	return parse_definition(p, part->text);
}

static int parse_jump(struct parser *p, enum part_kind kind, struct part **ret)
{
	if (!p->loops)
		return bad(p, "break and continue belong into a range");
	*ret = part_new(p, kind);
	return take_end(p);
}

static int parse_value(struct parser *p, struct part **ret)
{
	*ret = part_new(p, PART_VALUE);
	if (parse_pipeline(p, &(*ret)->pipeline) < 0)
		return -EINVAL;
	return take_end(p);
}

static int parse_comment(struct parser *p)
{
	const char *end = memmem(p->rest.p, p->rest.n, "*/", 2);

	if (!end)
		return bad(p, "a comment has no end");
	skip(p, (size_t)(end - p->rest.p) + 2);
	return take_end(p);
}

/* What stands between {{ and }}; *ret stays NULL for what leaves no part. */
static int parse_action(struct parser *p, struct part **ret, enum end *ret_end)
{
	static const struct {
		const char *word;
		enum part_kind kind;
	} blocks[] = {{"if", PART_IF}, {"with", PART_WITH}, {"range", PART_RANGE}};
	struct str name;

	*ret = NULL;
	skip_blanks(p);
	if (take(p, "/*"))
		return parse_comment(p);
	if (take_word(p, "end")) {
		*ret_end = END_END;
		return 0;
	}
	if (take_word(p, "else")) {
		*ret_end = END_ELSE;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
		if (take_word(p, blocks[i].word)) {
			*ret = part_new(p, blocks[i].kind);
			return parse_block(p, *ret);
		}
	if (take_word(p, "define"))
		return take_template_name(p, &name) < 0 ? -EINVAL : parse_definition(p, name);
	if (take_word(p, "template"))
		return parse_use(p, ret);
	if (take_word(p, "block"))
		return parse_defined_use(p, ret);
	if (take_word(p, "break"))
		return parse_jump(p, PART_BREAK, ret);
	if (take_word(p, "continue"))
		return parse_jump(p, PART_CONTINUE, ret);
	return parse_value(p, ret);
}

/* The text up to the next action; `{{- ` takes the blanks before it along. */
static struct part *parse_text(struct parser *p)
{
	const char *open = memmem(p->rest.p, p->rest.n, "{{", 2);
	size_t n = open ? (size_t)(open - p->rest.p) : p->rest.n;
	struct part *part = part_new(p, PART_TEXT);

	part->text = (struct str){p->rest.p, n};
	skip(p, n);
	if (open && p->rest.n > 3 && p->rest.p[2] == '-' && is_blank(p->rest.p[3]))
		while (part->text.n && is_blank(part->text.p[part->text.n - 1]))
			part->text.n--;
	return part;
}

static int parse_list(struct parser *p, struct part **ret, enum end *ret_end)
{
	struct part *one, **last = ret;

	*ret_end = END_OF_TEXT;
	while (p->rest.n) {
		one = parse_text(p);
		if (one->text.n) {
			*last = one;
			last = &one->next;
		}
		if (!take(p, "{{"))
			break;
		if (peek(p) == '-' && p->rest.n > 1 && is_blank(p->rest.p[1]))
			skip(p, 1);
		if (parse_action(p, &one, ret_end) < 0)
			return -EINVAL;
		if (*ret_end != END_OF_TEXT)
			return 0;
		if (one) {
			*last = one;
			last = &one->next;
		}
	}
	return 0;
}

int template_parse(struct str source, const char *name, struct arena *a, struct template_tree *ret,
				   struct err *err)
{
	struct parser p = {
		.arena = a, .name = name, .rest = source, .line = 1, .tree = ret, .err = err};
	enum end end;

	*ret = (struct template_tree){0};
	if (parse_list(&p, &ret->parts, &end) < 0)
		return -EINVAL;
	return end == END_OF_TEXT ? 0 : bad(&p, "unexpected {{%s}}", end == END_END ? "end" : "else");
}
