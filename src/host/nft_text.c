/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nft_text.h"

#include <errno.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

static size_t word_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && str_has_char(STR(letters), s.p[n]) && s.p[n])
		n++;
	return n;
}

/* Takes the next token off the text: a word, a quoted string with its quotes, or one byte. White space
 * and comments are passed over, line ends are tokens. False at the end; an open quote is a token of
 * one byte. */
static bool take(struct str *text, struct str *ret)
{
	const char *end = text->p + text->n, *p = text->p, *close;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '#'))
		if (*p++ == '#')
			while (p < end && *p != '\n')
				p++;
	*ret = (struct str){p, p < end};
	if (p < end && word_length((struct str){p, (size_t)(end - p)}))
		ret->n = word_length((struct str){p, (size_t)(end - p)});
	else if (p < end && *p == '"' && (close = memchr(p + 1, '"', (size_t)(end - p) - 1)))
		ret->n = (size_t)(close + 1 - p);
	*text = (struct str){ret->p + ret->n, (size_t)(end - ret->p) - ret->n};
	return ret->n > 0;
}

static bool take_but_lines(struct str *text, struct str *ret)
{
	while (take(text, ret))
		if (!str_is(*ret, "\n"))
			return true;
	return false;
}

bool nft_text_is_name(struct str name)
{
	struct str family;

	if (!str_has_char(name, ' ') || !str_cut(&name, ' ', &family) || !name.n || name.n > 128 ||
		word_length(name) != name.n || !strchr(letters, name.p[0]) ||
		str_has_char(STR("0123456789.-"), name.p[0]))
		return false;
	return str_is_one_of(family, NAMES("inet", "ip", "ip6", "arp", "bridge", "netdev"));
}

static bool is_harmless(struct str token)
{
	return !str_is_one_of(token, NAMES("include", "define", "redefine", "undefine")) &&
		   !(token.n == 1 && ((unsigned char)token.p[0] < 0x20 || strchr("\"$\\", token.p[0])) &&
			 token.p[0] != '\n');
}

bool nft_text_is_table(struct str text, struct str name)
{
	struct str token, family;
	size_t depth = 1;

	(void)str_cut(&name, ' ', &family);
	if (!take_but_lines(&text, &token) || !str_is(token, "table") ||
		!take_but_lines(&text, &token) || !str_eq(token, family) ||
		!take_but_lines(&text, &token) || !str_eq(token, name) || !take_but_lines(&text, &token) ||
		!str_is(token, "{"))
		return false;
	while (depth && take(&text, &token)) {
		if (!is_harmless(token))
			return false;
		depth += str_is(token, "{");
		depth -= str_is(token, "}");
	}
	return depth == 0 && !take_but_lines(&text, &token);
}

/* --- sets ------------------------------------------------------------------------------------ */

/* Behind the brace that closes the block whose opening one was just taken. */
static struct str behind_block(struct str text)
{
	struct str token;
	size_t depth = 1;

	while (depth && take(&text, &token)) {
		depth += str_is(token, "{");
		depth -= str_is(token, "}");
	}
	return text;
}

/* A set or map, from behind its opening brace: do its flags say that it changes at run time? */
static bool is_dynamic(struct str block)
{
	struct str token;
	bool flags = false;

	while (take(&block, &token) && !str_is(token, "}")) {
		if (str_is(token, "{"))
			block = behind_block(block);
		else if (str_is(token, "flags"))
			flags = true;
		else if (str_is(token, "\n") || str_is(token, ";"))
			flags = false;
		else if (flags && (str_is(token, "timeout") || str_is(token, "dynamic")))
			return true;
	}
	return false;
}

static void add_between(struct buf *out, const char *from, const char *to)
{
	buf_add(out, from, (size_t)(to - from));
}

/* Copies a set without the line of its elements; from behind its opening brace. */
static struct str copy_dynamic(struct str block, struct buf *out)
{
	/* What is not copied yet; where this line or statement begins. */
	const char *from = block.p, *line = block.p;
	struct str token;

	while (take(&block, &token) && !str_is(token, "}")) {
		struct str rest = block;

		if (str_is(token, "elements") && take(&rest, &token) && str_is(token, "=") &&
			take(&rest, &token) && str_is(token, "{")) {
			add_between(out, from, line);
			block = behind_block(rest);
			line = from = block.p;
			continue;
		}
		if (str_is(token, "\n") || str_is(token, ";"))
			line = token.p + (*token.p == ';');
	}
	add_between(out, from, block.p);
	return block;
}

int nft_text_without_elements(struct str text, struct buf *out)
{
	const char *from = text.p;
	struct str token;
	bool set = false;

	while (take(&text, &token)) {
		if (str_is(token, "\n") || str_is(token, ";"))
			set = false;
		if (str_is(token, "set") || str_is(token, "map"))
			set = true;
		if (set && str_is(token, "{") && is_dynamic(text)) {
			add_between(out, from, text.p);
			text = copy_dynamic(text, out);
			from = text.p;
		}
	}
	if (from)
		add_between(out, from, text.p);
	return out->full ? -ENOBUFS : 0;
}

/* The next token that has an effect: a comment has none. */
static bool take_effect(struct str *text, struct str *ret)
{
	struct str rest, ignored;

	while (take_but_lines(text, ret)) {
		rest = *text;
		if (!str_is(*ret, "comment") || !take_but_lines(&rest, &ignored) || ignored.n < 2 ||
			ignored.p[0] != '"')
			return true;
		*text = rest;
	}
	return false;
}

bool nft_text_is_same(struct str one, struct str other)
{
	struct str a, b;

	while (take_effect(&one, &a))
		if (!take_effect(&other, &b) || !str_eq(a, b))
			return false;
	return !take_effect(&other, &b);
}
