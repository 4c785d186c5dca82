/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_scope.h"

#include "base/num.h"
#include "base/regex.h"
#include "base/vec.h"

#define MAX_PATTERN 2048

static const struct {
	const char *name;
	enum nginx_setting setting;
} names[] = {
	{"server_tokens", NGINX_SERVER_TOKENS},
	{"ssl_protocols", NGINX_SSL_PROTOCOLS},
	{"ssl_ciphers", NGINX_SSL_CIPHERS},
	{"ssl_conf_command", NGINX_SSL_COMMANDS},
	{"ssl_verify_client", NGINX_SSL_VERIFY_CLIENT},
	{"ssl_certificate_key", NGINX_SSL_KEYS},
	{"autoindex", NGINX_AUTOINDEX},
	{"client_max_body_size", NGINX_MAX_BODY},
	{"client_body_timeout", NGINX_BODY_TIMEOUT},
	{"client_header_timeout", NGINX_HEADER_TIMEOUT},
	{"root", NGINX_ROOT},
	{"modsecurity", NGINX_MODSECURITY},
	{"auth_basic", NGINX_AUTH},
	{"auth_request", NGINX_AUTH},
	{"auth_jwt", NGINX_AUTH},
	{"satisfy", NGINX_SATISFY},
	{"allow", NGINX_ACCESS},
	{"deny", NGINX_ACCESS},
	{"access_log", NGINX_ACCESS_LOG},
	{"error_log", NGINX_ERROR_LOG},
	{"add_header", NGINX_HEADERS},
	{"add_header_inherit", NGINX_HEADERS_MERGED},
	{"more_set_headers", NGINX_MORE_HEADERS},
};

bool nginx_is_location(const struct directive *d)
{
	return d->is_block && str_is(d->name, "location");
}

bool nginx_is_conditional(const struct directive *d)
{
	return d->is_block && (str_is(d->name, "if") || str_is(d->name, "limit_except"));
}

static int setting_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i].name))
			return (int)names[i].setting;
	return -1;
}

static bool arg_is(const struct directive *d, const char *value)
{
	return d && str_is(directive_arg(d), value);
}

/* The outer ones stay in front of those of the block. */
static void add_up(struct arena *arena, const struct nginx_group *outer, struct nginx_group *own)
{
	VEC(const struct directive *) all = {0};

	for (size_t i = 0; i < outer->n; i++)
		*vec_push(arena, &all) = outer->p[i];
	for (size_t i = 0; i < own->n; i++)
		*vec_push(arena, &all) = own->p[i];
	*own = (struct nginx_group){all.p, all.n};
}

void nginx_scope_enter(struct arena *arena, const struct nginx_scope *outer,
					   const struct directive *block, struct nginx_scope *ret)
{
	VEC(const struct directive *) own[NGINX_SETTINGS] = {0};
	struct nginx_scope scope = *outer;

	for (const struct directive *d = block->first; d; d = d->next) {
		int i = setting_of(d->name);

		if (i >= 0)
			*vec_push(arena, &own[i]) = d;
	}
	for (size_t i = 0; i < NGINX_SETTINGS; i++)
		if (own[i].n)
			scope.set[i] = (struct nginx_group){own[i].p, own[i].n};
	if (own[NGINX_MORE_HEADERS].n)
		add_up(arena, &outer->set[NGINX_MORE_HEADERS], &scope.set[NGINX_MORE_HEADERS]);
	if (own[NGINX_HEADERS].n && arg_is(nginx_scope_last(&scope, NGINX_HEADERS_MERGED), "merge"))
		add_up(arena, &outer->set[NGINX_HEADERS], &scope.set[NGINX_HEADERS]);
	else if (!own[NGINX_HEADERS].n && arg_is(nginx_scope_last(&scope, NGINX_HEADERS_MERGED), "off"))
		scope.set[NGINX_HEADERS].n = 0;
	*ret = scope;
}

const struct directive *nginx_scope_last(const struct nginx_scope *s, enum nginx_setting setting)
{
	const struct nginx_group *group = &s->set[setting];

	return group->n ? group->p[group->n - 1] : NULL;
}

/* A network that is wider than any that one is given is as good as everybody: two of them may be all. */
static bool is_wide(struct str network)
{
	struct str address;
	uint64_t bits;

	return str_cut(&network, '/', &address) && network.p && num_u64(network, 0, 7, &bits) == 0;
}

/* The first that matches decides. 1: everybody is let in; -1: who is not named is not; 0: nothing is said. */
static int others_come_in(const struct nginx_group *access)
{
	for (size_t i = 0; i < access->n; i++) {
		bool allows = str_is(access->p[i]->name, "allow");

		if (arg_is(access->p[i], "all"))
			return allows ? 1 : -1;
		if (allows && is_wide(directive_arg(access->p[i])))
			return 1;
	}
	return 0;
}

bool nginx_scope_restricts(const struct nginx_scope *s)
{
	const struct directive *auth = nginx_scope_last(s, NGINX_AUTH);
	bool any = arg_is(nginx_scope_last(s, NGINX_SATISFY), "any");
	int others = others_come_in(&s->set[NGINX_ACCESS]);

	if (arg_is(nginx_scope_last(s, NGINX_SSL_VERIFY_CLIENT), "on") || others < 0)
		return true;
	return auth && !arg_is(auth, "off") && !(any && others > 0);
}

/* --- which location -------------------------------------------------------------------------- */

enum match {
	MATCH_EXACT,
	MATCH_PREFIX,
	MATCH_ONLY_PREFIX,
	MATCH_REGEX,
	MATCH_REGEX_NOCASE,
	MATCH_NAMED
};

/* `location = /x` may be written `location =/x`. */
static enum match match_of(const struct directive *location, struct str *ret)
{
	static const struct {
		const char *sign;
		enum match match;
	} signs[] = {
		{"^~", MATCH_ONLY_PREFIX}, {"~*", MATCH_REGEX_NOCASE}, {"~", MATCH_REGEX},
		{"=", MATCH_EXACT},        {"@", MATCH_NAMED},
	};

	*ret = directive_arg(location);
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (str_skip(ret, signs[i].sign)) {
			if (location->n_args > 1)
				*ret = location->args[1];
			return signs[i].match;
		}
	return MATCH_PREFIX;
}

static int regex_fits(struct arena *arena, struct str pattern, bool nocase, struct str path,
					  struct err *err)
{
	struct regex *regex;
	struct str whole = pattern;
	int r;

	if (pattern.n > MAX_PATTERN)
		return err_set(err, E2BIG, "a regular expression is over %d bytes", MAX_PATTERN);
	if (nocase)
		whole = str_of(arena_printf(arena, "(?i)%s", str_dup(arena, pattern)));
	r = regex_compile(arena, whole, &regex, err);
	if (r < 0)
		return r;
	r = regex_match(regex, path);
	return r < 0 ? err_errno(err, -r, "%.*s", STR_ARG(pattern)) : r;
}

static int first_regex(struct arena *arena, const struct directive *block, struct str path,
					   const struct directive **ret, struct err *err)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		struct str pattern;
		enum match match;
		int r;

		if (!nginx_is_location(d))
			continue;
		match = match_of(d, &pattern);
		if (match != MATCH_REGEX && match != MATCH_REGEX_NOCASE)
			continue;
		r = regex_fits(arena, pattern, match == MATCH_REGEX_NOCASE, path, err);
		if (r != 0) {
			*ret = d;
			return r;
		}
	}
	return 0;
}

static const struct directive *longest_prefix(const struct directive *block, struct str path,
											  enum match *ret_match)
{
	const struct directive *best = NULL;
	size_t longest = 0;

	for (const struct directive *d = block->first; d; d = d->next) {
		struct str prefix;
		enum match match;

		if (!nginx_is_location(d))
			continue;
		match = match_of(d, &prefix);
		if (match > MATCH_ONLY_PREFIX || prefix.n > path.n || prefix.n < longest ||
			(prefix.n && memcmp(prefix.p, path.p, prefix.n) != 0) ||
			(match == MATCH_EXACT && prefix.n != path.n))
			continue;
		best = d;
		longest = prefix.n;
		*ret_match = match;
		if (match == MATCH_EXACT)
			break;
	}
	return best;
}

/* The longest prefix first, with what is nested in it; then the first regular expression, unless the
 * prefix forbids that. 1: an expression has decided. */
static int locate(struct arena *arena, const struct directive *block, struct str path,
				  const struct directive **ret, struct err *err)
{
	enum match match = MATCH_PREFIX;
	const struct directive *prefix = longest_prefix(block, path, &match);
	int r = 0;

	if (prefix) {
		*ret = prefix;
		if (match == MATCH_EXACT)
			return 1;
		r = locate(arena, prefix, path, ret, err);
	}
	if (r != 0 || match == MATCH_ONLY_PREFIX)
		return r;
	return first_regex(arena, block, path, ret, err);
}

int nginx_locate(struct arena *arena, const struct directive *server, struct str path,
				 const struct directive **ret, struct err *err)
{
	int r;

	*ret = NULL;
	r = locate(arena, server, path, ret, err);
	return MIN(r, 0);
}
