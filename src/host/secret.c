/* SPDX-License-Identifier: Apache-2.0 */
#include "host/secret.h"

#include <ctype.h>

#define MAX_NAME 128
#define MAX_NESTED 3 /* a command line in an argument of a command line */

/* --- names --------------------------------------------------------------------------------- */

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool starts_nocase(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

static bool ends_nocase(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && str_is_nocase((struct str){s.p + s.n - n, n}, suffix);
}

/* One of the words, anywhere. */
static bool has_word(struct str name)
{
	static const char *const words[] = {
		"passw",      "passphrase",  "secret",        "token",      "apikey",
		"api_key",    "api-key",     "accesskey",     "access_key", "access-key",
		"privatekey", "private_key", "authorization", "cookie",
	};

	for (; name.n; name.p++, name.n--) {
		char first = lower(name.p[0]);

		if (first != 'p' && first != 's' && first != 't' && first != 'a' && first != 'c')
			continue;
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (first == words[i][0] && starts_nocase(name, words[i]))
				return true;
	}
	return false;
}

/* One of the words at the end, and digits behind it: dbpass, pass2. */
static bool ends_in_word(struct str name)
{
	static const char *const words[] = {"pass", "passwd", "_pwd", "-pwd", "dbpwd", "pin", "psk"};

	while (name.n && isdigit((unsigned char)name.p[name.n - 1]))
		name.n--;
	/* What one of them ends in: most names are told apart by that. */
	if (!name.n || !is_one_of(lower(name.p[name.n - 1]), "sdnk"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (ends_nocase(name, words[i]))
			return true;
	return false;
}

bool secret_is_name(struct str name)
{
	/* Where it is kept, or how it is asked for. */
	static const char *const kept[] = {"file", "path", "dir", "-fd", "_fd", "-stdin", "url"};

	if (!name.n || name.n > MAX_NAME)
		return false;
	if (str_is(name, "pwd")) /* but PWD is where a shell is */
		return true;
	if (!has_word(name) && !ends_in_word(name))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (ends_nocase(name, kept[i]))
			return false;
	return true;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* What could not be one, and says something to who reads it. */
static bool is_harmless(struct str value)
{
	return str_is_one_of_nocase(value,
								NAMES("", "yes", "no", "true", "false", "on", "off", SECRET_MASK));
}

/* Where the value of a secret's name begins. */
struct named {
	size_t n;
	bool colon;     /* "NAME:", else "NAME=" */
	char enclosing; /* the quote that name and value stand in together; 0: none */
};

/* Does it begin with a secret's NAME= or NAME:, quotes, brackets and other names aside? As in
 * --env=TOKEN=x, environment="TOKEN=x" and {"token":"x"}. */
static bool starts_with_name(struct str word, struct named *ret)
{
	char outer = '\0', inner = '\0';
	size_t i = 0;

	for (int names = 0; names < 4; names++) {
		struct str name;

		for (; i < word.n && is_one_of(word.p[i], "\"'{[(,`$"); i++)
			if (is_one_of(word.p[i], "\"'")) {
				outer = inner;
				inner = word.p[i];
			}
		name = (struct str){word.p + i, 0};
		for (; i < word.n && is_name_char(word.p[i]); i++)
			name.n++;
		if (inner && i < word.n && word.p[i] == inner) { /* only the name was quoted */
			inner = outer;
			i++;
		}
		while (i < word.n && word.p[i] == '+')
			i++;
		if (i == word.n || !is_one_of(word.p[i], "=:"))
			return false;
		*ret = (struct named){i + 1, word.p[i] == ':', inner};
		i++;
		if (secret_is_name(name))
			return true;
		if (ret->colon)
			return false;
	}
	return false;
}

static void put_head(struct buf *out, struct str s, size_t n)
{
	buf_add(out, s.p, n);
	buf_puts(out, SECRET_MASK);
}

/* --- URLs ---------------------------------------------------------------------------------- */

/* Masks the password of the URL's authority that s begins with, or a user name that stands alone,
 * which in a web address is a token. Returns the length of what is masked. */
static size_t mask_authority(struct str s, bool web, struct buf *out)
{
	size_t colon = 0, at = 0, n = 0;

	for (; n < s.n && !isspace((unsigned char)s.p[n]) && !is_one_of(s.p[n], "/?#\"'`<>"); n++) {
		if (s.p[n] == '@')
			at = n;
		else if (s.p[n] == ':' && !colon && !at)
			colon = n + 1;
	}
	if (!at || (!colon && !web))
		return 0;
	put_head(out, s, colon);
	return at;
}

void secret_mask_urls(struct str text, struct buf *out)
{
	size_t done = 0;

	for (size_t i = 0; i + 3 <= text.n; i++) {
		struct str scheme = {text.p + done, i - done};
		size_t end = i + 3;

		if (text.p[i] != ':' || text.p[i + 1] != '/' || text.p[i + 2] != '/')
			continue;
		buf_add(out, text.p + done, end - done);
		done =
			end + mask_authority((struct str){text.p + end, text.n - end},
								 ends_nocase(scheme, "http") || ends_nocase(scheme, "https"), out);
		i = end - 1;
	}
	buf_add(out, text.p + done, text.n - done);
}

/* --- programs and their options ------------------------------------------------------------ */

enum how {
	NEXT = 1,     /* -p SECRET */
	ATTACHED = 2, /* -pSECRET */
	USER = 4,     /* only what is behind the first colon or per cent sign: -u user:SECRET */
	REST = 8,     /* to the end of the line */
};

static const struct option {
	const char *program; /* a pattern for its base name, a letter first */
	const char *option;
	unsigned how;
} options[] = {
	{"mysql*", "-p", ATTACHED},
	{"mariadb*", "-p", ATTACHED},
	{"sshpass", "-p", NEXT | ATTACHED},
	{"curl", "-u", NEXT | ATTACHED | USER},
	{"curl", "--user", NEXT | USER},
	{"curl", "-U", NEXT | ATTACHED | USER},
	{"curl", "--proxy-user", NEXT | USER},
	{"ldap*", "-w", NEXT | ATTACHED},
	{"redis-cli", "-a", NEXT},
	{"mosquitto_*", "-P", NEXT},
	{"smbclient", "-U", NEXT | ATTACHED | USER},
	{"rpcclient", "-U", NEXT | ATTACHED | USER},
	{"ipmitool", "-P", NEXT | ATTACHED},
	{"mongo*", "-p", NEXT},
	{"snmp[gw]*", "-c", NEXT},
	{"snmp[gw]*", "-A", NEXT},
	{"snmp[gw]*", "-X", NEXT},
	{"zip", "-P", NEXT},
	{"unzip", "-P", NEXT},
	{"7z*", "-p", ATTACHED},
	{"xfreerdp*", "/p:", ATTACHED},
	{"openssl", "-k", NEXT},
	{"openssl", "-K", NEXT},
};

/* Where in a command line it is. */
struct line {
	struct str program; /* base name of the last one that `options` has */
	unsigned next;      /* what the next word is: NEXT, USER, REST; 0: nothing special */
	bool args;          /* words are arguments: quotes mean nothing */
	bool named;         /* the word before was the name of a secret */
	unsigned nested;
	struct buf *out;
};

/* Remembers the word when it is the name of a program that takes secrets. */
static void note_program(struct line *line, struct str word)
{
	const char *slash;

	while (word.n && is_one_of(*word.p, "\"'`$("))
		word = (struct str){word.p + 1, word.n - 1};
	slash = memrchr(word.p, '/', word.n);
	if (slash)
		word = (struct str){slash + 1, word.n - (size_t)(slash + 1 - word.p)};
	for (size_t i = 0; word.n && word.n <= MAX_NAME && i < ARRAY_LEN(options); i++)
		if (word.p[0] == options[i].program[0] && str_glob(options[i].program, word))
			line->program = word;
}

static void mask_user(struct str word, struct buf *out)
{
	size_t n = 0;

	while (n < word.n && word.p[n] != ':' && word.p[n] != '%')
		n++;
	if (n == word.n)
		buf_str(out, word);
	else
		put_head(out, word, n + 1);
}

/* An option of the program that takes a secret; true when the word holds it. */
static bool mask_option(struct line *line, struct str word)
{
	for (size_t i = 0; line->program.p && i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];
		size_t n = strlen(o->option);

		if (!str_starts(word, o->option) || !str_glob(o->program, line->program))
			continue;
		if (word.n == n && o->how & NEXT)
			line->next = o->how;
		if (word.n == n || !(o->how & ATTACHED))
			continue;
		buf_add(line->out, word.p, n);
		word = (struct str){word.p + n, word.n - n};
		if (o->how & USER)
			mask_user(word, line->out);
		else
			buf_puts(line->out, SECRET_MASK);
		return true;
	}
	return false;
}

/* --- words --------------------------------------------------------------------------------- */

static void mask_lines(struct str text, unsigned nested, struct buf *out);

/* --password with the value in the next word. */
static bool is_bare_option(struct str word)
{
	size_t dashes = 0;

	while (dashes < word.n && word.p[dashes] == '-')
		dashes++;
	for (size_t i = dashes; i < word.n; i++)
		if (!is_name_char(word.p[i]))
			return false;
	return dashes && secret_is_name((struct str){word.p + dashes, word.n - dashes});
}

static bool has_blank(struct str word)
{
	for (size_t i = 0; i < word.n; i++)
		if (isspace((unsigned char)word.p[i]))
			return true;
	return false;
}

static bool is_quoted(struct str word)
{
	return word.n > 1 && is_one_of(word.p[0], "\"'") && word.p[word.n - 1] == word.p[0];
}

static bool mask_next(struct line *line, struct str word)
{
	unsigned next = line->next;

	if (next != REST)
		line->next = 0;
	if (!next || (next != REST && str_starts(word, "--")))
		return false;
	if (next & USER)
		mask_user(word, line->out);
	else
		buf_str(line->out, is_harmless(word) ? word : STR(SECRET_MASK));
	return true;
}

/* Where the quote is closed; the length of s when it is not. */
static size_t closing(struct str s, char quote)
{
	size_t i = 0;

	for (; i < s.n && s.p[i] != quote; i++)
		i += s.p[i] == '\\' && quote == '"' && i + 1 < s.n;
	return MIN(i, s.n);
}

/* A quote stays a quote, for whoever reads the line as a shell or JSON. Returns how much of the
 * value was dealt with: what goes on behind it, as in {"token":"x","a":"b"}, may hold another. */
static size_t mask_value(struct str value, struct buf *out)
{
	size_t end;

	if (!is_one_of(value.p[0], "\"'")) {
		buf_puts(out, SECRET_MASK);
		return value.n;
	}
	put_head(out, value, 1);
	end = 1 + closing((struct str){value.p + 1, value.n - 1}, value.p[0]);
	if (end == value.n)
		return value.n;
	buf_putc(out, value.p[0]);
	end++;
	return end < value.n && is_one_of(value.p[end], "),;}]") ? end : value.n;
}

/* Returns how much of the word was dealt with; 0: none, it has no such name. */
static size_t mask_named(struct line *line, struct str word)
{
	struct str value;
	struct named at;
	bool closed;

	if (!starts_with_name(word, &at))
		return 0;
	value = (struct str){word.p + at.n, word.n - at.n};
	if (at.enclosing)
		value.n = closing(value, at.enclosing);
	closed = at.n + value.n < word.n;
	if (!value.n && at.colon && !closed)
		line->next = REST; /* a header, or JSON */
	if (is_harmless(str_trim(value))) {
		buf_add(line->out, word.p, at.n + value.n + closed);
		return at.n + value.n + closed;
	}
	if (!closed) {
		at.n += value.p[0] == ' ';
		buf_add(line->out, word.p, at.n);
		return at.n + mask_value((struct str){word.p + at.n, word.n - at.n}, line->out);
	}
	put_head(line->out, word, at.n + (value.p[0] == ' '));
	buf_putc(line->out, at.enclosing);
	return at.n + value.n + 1;
}

/* A word that holds blanks or quotes is a command line of its own: sh -c "...". */
static void mask_inside(struct line *line, struct str word)
{
	size_t from = 0;

	while (!line->args && from < word.n && word.p[from] != '"' && word.p[from] != '\'')
		from++;
	if (line->nested >= MAX_NESTED || (!has_blank(word) && (line->args || from == word.n))) {
		secret_mask_urls(word, line->out);
		return;
	}
	if (line->args || from == word.n) {
		mask_lines(word, line->nested + 1, line->out);
		return;
	}
	secret_mask_urls((struct str){word.p, from + 1}, line->out);
	word = (struct str){word.p + from, word.n - from};
	mask_lines((struct str){word.p + 1, word.n - 1 - is_quoted(word)}, line->nested + 1, line->out);
	if (is_quoted(word))
		buf_putc(line->out, word.p[0]);
}

/* Returns how much of the word was dealt with. */
static size_t mask_word(struct line *line, struct str word)
{
	bool named = line->named;
	size_t n;

	line->named = false;
	if (mask_next(line, word) || mask_option(line, word))
		return word.n;
	n = mask_named(line, word);
	if (n)
		return n;
	if (named && str_is(word, "=")) /* crontab(5) allows blanks there */
		line->next = REST;
	else if (is_bare_option(word))
		line->next = NEXT;
	else
		line->named = secret_is_name(word);
	note_program(line, word);
	mask_inside(line, word);
	return word.n;
}

/* The length of the word at the beginning, as a shell takes it, or without regard to quotes. */
static size_t word_length(struct str s, bool quotes, bool *ret_open)
{
	char quote = '\0';
	size_t n;

	for (n = 0; n < s.n && s.p[n] != '\n'; n++) {
		char c = s.p[n];

		if (isalnum((unsigned char)c))
			continue;
		if (c == '\\' && quote != '\'' && n + 1 < s.n && s.p[n + 1] != '\n')
			n++;
		else if (quote)
			quote = c == quote ? '\0' : quote;
		else if (quotes && is_one_of(c, "\"'"))
			quote = c;
		else if (isspace((unsigned char)c) || is_one_of(c, ";|&"))
			break;
	}
	*ret_open = quote;
	return n;
}

/* A quote that the line does not close is none: "it's". There is at most one of each kind in a
 * line, so this stays linear. */
static size_t next_word(struct str s)
{
	bool open;
	size_t n = word_length(s, true, &open);

	return open ? word_length(s, false, &open) : n;
}

static void mask_lines(struct str text, unsigned nested, struct buf *out)
{
	struct line line = {.nested = nested, .out = out};

	while (text.n) {
		size_t n = next_word(text);

		if (n) {
			n = mask_word(&line, (struct str){text.p, n});
		} else {
			if (text.p[0] == '\n' || (line.next != REST && is_one_of(text.p[0], ";|&")))
				line = (struct line){.nested = nested, .out = out};
			n = 1;
			buf_putc(out, text.p[0]);
		}
		text = (struct str){text.p + n, text.n - n};
	}
}

void secret_mask(struct str text, struct buf *out)
{
	mask_lines(text, 0, out);
}

void secret_mask_args(struct str args, struct buf *out)
{
	struct line line = {.args = true, .out = out};
	struct str word;

	for (bool first = true; str_cut(&args, '\0', &word); first = false) {
		if (!first)
			buf_putc(out, ' ');
		while (word.n) {
			size_t n = mask_word(&line, word);

			word = (struct str){word.p + n, word.n - n};
		}
	}
}

/* --- mounts -------------------------------------------------------------------------------- */

/* "user:SECRET@host" as the source of a mount, with the name of the file system in front of a '#'
 * or slashes. */
static bool mask_source(struct str item, struct buf *out)
{
	size_t from = 0, colon = 0;

	for (size_t i = 0; i < item.n; i++) {
		if (item.p[i] == '#' || (item.p[i] == '/' && i == from))
			from = i + 1;
		else if (item.p[i] == '/')
			return false;
		else if (item.p[i] == ':' && !colon)
			colon = i + 1;
		else if (item.p[i] == '@' && colon) {
			put_head(out, item, colon);
			buf_add(out, item.p + i, item.n - i);
			return true;
		}
	}
	return false;
}

static void mask_item(struct str item, struct buf *out)
{
	struct named at;

	if (starts_with_name(item, &at) && !at.colon &&
		!is_harmless((struct str){item.p + at.n, item.n - at.n}))
		put_head(out, item, at.n);
	else if (!mask_source(item, out))
		secret_mask_urls(item, out);
}

void secret_mask_mounts(struct str text, struct buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i <= text.n; i++) {
		if (i < text.n && text.p[i] != ',' && !isspace((unsigned char)text.p[i]))
			continue;
		mask_item((struct str){text.p + from, i - from}, out);
		if (i < text.n)
			buf_putc(out, text.p[i]);
		from = i + 1;
	}
}

static struct str masked(struct arena *a, struct str text, void (*mask)(struct str, struct buf *))
{
	_cleanup_buf_ struct buf out = BUF(text.n * 4 + 16);

	if (!text.n)
		return text;
	mask(text, &out);
	return (struct str){arena_copy(a, out.p, out.n), out.n};
}

struct str secret_masked(struct arena *a, struct str text)
{
	return masked(a, text, secret_mask);
}

struct str secret_masked_urls(struct arena *a, struct str text)
{
	return masked(a, text, secret_mask_urls);
}
