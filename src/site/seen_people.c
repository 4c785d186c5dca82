/* SPDX-License-Identifier: Apache-2.0 */
/* Who administers the server, and from where people log in. */
#include <stdlib.h>

#include "base/buf.h"
#include "host/address.h"
#include "site/nets.h"
#include "site/seen_private.h"

#define MAX_ADMINS 200
#define DAY 86400

/* An account that somebody may administer the server with. */
struct person {
	struct str name;
	const char *key;      /* where it stands; NULL: it has none */
	const char *raises;   /* by what it becomes root, and where that is said; NULL: by nothing */
	int64_t logins, last; /* that root alone could have written */
	bool remote;          /* one of them came from elsewhere */
	bool shell, root;
	int64_t uid;
	const struct str *groups;
	size_t n_groups;
};

struct crowd {
	struct seeing *seeing;
	VEC(struct person) all;
	struct map by_name; /* index from 1 */
};

static struct person *find(struct crowd *c, struct str name)
{
	uintptr_t n = name.p ? (uintptr_t)map_get(&c->by_name, name) : 0;

	return n ? &c->all.p[n - 1] : NULL;
}

/* --- accounts ---------------------------------------------------------------------------------- */

static void see_users(struct crowd *c)
{
	struct look l = look_at(c->seeing->snapshot, "users");

	seen_unknown(c->seeing, "accounts", l.why, &c->seeing->seen->admins_why);
	for (size_t i = 0; i < l.n; i++) {
		struct str name = look_str(&l, i, "name");
		struct person p = {.name = name};

		if (!name.n || find(c, name))
			continue;
		p.shell = look_bool(&l, i, "login_shell");
		p.uid = look_int(&l, i, "uid");
		p.root = p.uid == 0;
		p.n_groups = look_list(&l, i, "groups", &p.groups);
		*vec_push(c->seeing->arena, &c->all) = p;
		map_put(&c->by_name, name, (void *)(uintptr_t)c->all.n);
	}
}

static void see_keys(struct crowd *c)
{
	struct look l = look_at(c->seeing->snapshot, "authorized_keys");

	seen_unknown(c->seeing, "keys", l.why, &c->seeing->seen->admins_why);
	for (size_t i = 0; i < l.n; i++) {
		struct person *p = find(c, look_str(&l, i, "user"));

		if (p && !p->key)
			p->key = look_source(&l, i, c->seeing->arena);
	}
}

static bool is_member(const struct person *p, struct str group)
{
	for (size_t i = 0; i < p->n_groups; i++)
		if (str_eq(p->groups[i], group))
			return true;
	return false;
}

static bool is_meant(const struct person *p, struct str who)
{
	if (str_is(who, "ALL") || str_eq(who, p->name))
		return true;
	return str_skip(&who, "%") && is_member(p, who);
}

static bool is_for(const struct look *l, size_t row, const struct person *p)
{
	const struct str *users;
	size_t n = look_list(l, row, "users", &users);
	bool meant = false;

	/* What comes later has the last word. */
	for (size_t i = 0; i < n; i++) {
		struct str who = users[i];
		bool not = str_skip(&who, "!");

		if (is_meant(p, who))
			meant = !not ;
	}
	return meant;
}

static bool runs_as_root(const struct look *l, size_t row)
{
	const struct str *runas;
	size_t n = look_list(l, row, "runas", &runas);

	for (size_t i = 0; i < n; i++)
		if (str_is(runas[i], "ALL") || str_is(runas[i], "root"))
			return true;
	return false;
}

static void see_sudo(struct crowd *c)
{
	struct look l = look_at(c->seeing->snapshot, "sudoers");

	seen_unknown(c->seeing, "who may use sudo", l.why, &c->seeing->seen->admins_why);
	for (size_t i = 0; i < l.n; i++) {
		if (!look_bool(&l, i, "active") || !look_bool(&l, i, "all_commands") ||
			!runs_as_root(&l, i))
			continue;
		vec_each(&c->all, p)
		{
			if (!p->raises && p->shell && is_for(&l, i, p))
				p->raises = arena_printf(c->seeing->arena, "sudo for all commands (%s)",
										 look_source(&l, i, c->seeing->arena));
		}
	}
}

/* A line about some commands alone makes no administrator. */
static bool is_doas_for(const struct look *l, size_t row, const struct person *p)
{
	struct str who = look_str(l, row, "identity"), target = look_str(l, row, "target");

	if (look_str(l, row, "command").p || (target.p && !str_is(target, "root")))
		return false;
	return str_skip(&who, ":") ? is_member(p, who) : str_eq(who, p->name);
}

/* The last line that is about somebody holds. */
static void see_doas(struct crowd *c)
{
	struct look l = look_at(c->seeing->snapshot, "doas");

	seen_unknown(c->seeing, "who may use doas", l.why, &c->seeing->seen->admins_why);
	vec_each(&c->all, p)
	{
		size_t row = l.n;

		while (row > 0 && !is_doas_for(&l, row - 1, p))
			row--;
		if (row > 0 && !p->raises && p->shell && str_is(look_str(&l, row - 1, "action"), "permit"))
			p->raises = arena_printf(c->seeing->arena, "doas for all commands (%s)",
									 look_source(&l, row - 1, c->seeing->arena));
	}
}

/* --- logins ------------------------------------------------------------------------------------ */

/* One of those who come from there. Sources tell of the same logins, some of fewer. */
struct visitor {
	struct str user;
	int64_t logins;
};

/* People of one origin, in the making. */
struct origin {
	struct seen_origin o;
	int64_t last;
	bool session;
	VEC(struct visitor) who;
};

struct coming {
	struct crowd *crowd;
	VEC(struct origin) all;
	struct map by_word; /* index from 1 */
	size_t named;
	VEC(struct str) forgeable; /* addresses that only a log has which anybody can write */
	const char *why;           /* what of it is not known */
};

static struct origin *origin_of(struct coming *g, struct str address)
{
	struct seeing *s = g->crowd->seeing;
	struct str word = seen_word(s, address);
	uintptr_t n = word.p ? (uintptr_t)map_get(&g->by_word, word) : 0;
	struct origin *o;

	if (!word.p)
		return NULL;
	if (!n) {
		*vec_push(s->arena, &g->all) = (struct origin){.o = {.word = word}};
		n = g->all.n;
		map_put(&g->by_word, word, (void *)(uintptr_t)n);
	}
	o = &g->all.p[n - 1];
	if (!o->o.addresses.n || !str_eq(o->o.addresses.p[o->o.addresses.n - 1], address))
		*vec_push(s->arena, &o->o.addresses) = address;
	return o;
}

static void add_visitor(struct coming *g, struct origin *o, struct str user, int64_t logins)
{
	vec_each(&o->who, v)
	{
		if (!str_eq(v->user, user))
			continue;
		v->logins = MAX(v->logins, logins);
		return;
	}
	if (o->who.n < 64)
		*vec_push(g->crowd->seeing->arena, &o->who) = (struct visitor){user, logins};
}

static void take_login(struct coming *g, const struct look *l, size_t row)
{
	struct seeing *s = g->crowd->seeing;
	struct str user = look_str(l, row, "user"), address = look_str(l, row, "address");
	struct person *p = find(g->crowd, user);
	int64_t logins = look_int(l, row, "logins"), last = look_int(l, row, "last");
	struct origin *o;

	if (look_bool(l, row, "forgeable")) {
		if (address.p && g->forgeable.n < 256)
			*vec_push(s->arena, &g->forgeable) = address;
		return;
	}
	if (last < s->now - (int64_t)SEEN_DAYS * DAY)
		return;
	if (p) {
		p->logins = MAX(p->logins, logins);
		p->last = MAX(p->last, last);
		p->remote = p->remote || address.p;
	}
	g->named += look_is_unknown(l, row, "address");
	if (!address.p || !seen_is_outside(s, address))
		return;
	o = origin_of(g, address);
	if (!o)
		return;
	o->last = MAX(o->last, last);
	add_visitor(g, o, user, logins);
}

static int by_word(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;

	if (x->session != y->session)
		return x->session ? -1 : 1;
	return str_cmp(x->o.word, y->o.word);
}

static const char *tell_origin(struct arena *a, const struct origin *o)
{
	_cleanup_buf_ struct buf out = BUF(65536);

	if (o->session)
		buf_puts(&out, "this session");
	for (size_t i = 0; i < o->who.n && i < 4; i++)
		buf_printf(&out, "%s%.*s %lld time%s",
				   !out.n ? ""
				   : i    ? ", "
						  : "; ",
				   STR_ARG(o->who.p[i].user), (long long)o->who.p[i].logins,
				   o->who.p[i].logins == 1 ? "" : "s");
	if (o->who.n > 4)
		buf_printf(&out, " and %zu others", o->who.n - 4);
	if (o->last)
		buf_printf(&out, ", last on %s", seen_day(a, o->last));
	return arena_strdup(a, out.p);
}

/* The session comes first: whatever else is in the list, it has to be. */
static void see_origins(struct coming *g)
{
	struct seeing *s = g->crowd->seeing;
	struct look l = look_at(s->snapshot, "logins");

	g->why = l.why;
	seen_unknown(s, "logins", l.why, &s->seen->logins_why);
	for (size_t i = 0; i < l.n; i++)
		take_login(g, &l, i);
	if (s->session && seen_is_outside(s, s->session->peer)) {
		struct origin *o = origin_of(g, s->session->peer);

		if (o)
			o->session = true;
		s->seen->peer = o ? s->session->peer : STR_ABSENT;
	}
	if (g->all.n)
		qsort(g->all.p, g->all.n, sizeof(*g->all.p), by_word);
	vec_each(&g->all, o)
	{
		o->o.evidence = tell_origin(s->arena, o);
		*vec_push(s->arena, &s->seen->from) = o->o;
	}
}

/* Addresses that nothing else has, for a person to judge. */
static void tell_forgeable(struct coming *g)
{
	struct seeing *s = g->crowd->seeing;
	struct str *only = arena_new(s->arena, struct str, g->forgeable.n + 1);
	size_t n = 0;

	vec_each(&g->forgeable, address)
	{
		struct str word = seen_word(s, *address);
		bool known = !word.p || map_get(&g->by_word, word) || !seen_is_outside(s, *address);

		for (size_t i = 0; i < n && !known; i++)
			known = str_eq(only[i], *address);
		if (!known)
			only[n++] = *address;
	}
	if (n)
		*vec_push(s->arena, &s->seen->notes) = arena_printf(
			s->arena,
			"A log that any account can write to has logins from %s: they were not counted.",
			seen_some(s->arena, only, n));
}

/* A list that leaves somebody out locks them out: only one that is known to have all is a guess. */
static const char *question_of(const struct coming *g)
{
	const struct seeing *s = g->crowd->seeing;
	const struct seen_session *session = s->session;
	size_t loose = 0, remembered = 0;

	for (size_t i = 0; i < g->all.n; i++) {
		loose += !seen_is_name(s, g->all.p[i].o.word);
		remembered += g->all.p[i].who.n > 0;
	}
	if (session && !s->seen->peer.p && (session->by_ssh || session->peer.n) &&
		!(session->peer.n && address_scope(session->peer) && !seen_is_outside(s, session->peer) &&
		  strcmp(address_scope(session->peer), "link-local") != 0))
		return "The address that this session comes from is not known.";
	if (g->why)
		return arena_printf(s->arena, "Not all is known of who logs in: %s.", g->why);
	if (!remembered)
		return arena_printf(s->arena, "No login of the last %d days is remembered.", SEEN_DAYS);
	if (g->named)
		return "Of some logins only the name of a host is remembered.";
	if (loose > SEEN_MANY)
		return arena_printf(s->arena, "People log in from %zu addresses.", loose);
	return NULL;
}

static void see_from(struct crowd *c)
{
	struct coming g = {.crowd = c};
	struct seeing *s = c->seeing;

	map_init(&g.by_word, s->arena);
	see_origins(&g);
	s->seen->from_question = question_of(&g);
	tell_forgeable(&g);
}

/* --- admins ------------------------------------------------------------------------------------ */

/* As the site file takes it: useradd(8) makes no others. */
static bool is_plain(struct str name)
{
	bool digits = true;

	for (size_t i = 0; i < name.n; i++) {
		char ch = name.p[i];
		bool digit = ch >= '0' && ch <= '9';

		if (!digit && !(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') &&
			(!strchr("_.-", ch) || !ch))
			return false;
		digits = digits && digit;
	}
	return name.n && name.n <= 32 && !digits && name.p[0] != '-' && name.p[0] != '.';
}

static bool is_session(const struct seeing *s, const struct person *p)
{
	return s->session && s->session->by_ssh && s->session->uid == p->uid;
}

static const char *evidence_of(const struct seeing *s, const struct person *p)
{
	_cleanup_buf_ struct buf out = BUF(8192);

	if (is_session(s, p))
		buf_puts(&out, "this session");
	if (p->key)
		buf_printf(&out, "%sa key in %s", out.n ? "; " : "", p->key);
	if (p->raises)
		buf_printf(&out, "%s%s", out.n ? "; " : "", p->raises);
	if (p->logins)
		buf_printf(&out, "%slast logged in on %s", out.n ? "; " : "", seen_day(s->arena, p->last));
	return arena_strdup(s->arena, out.p);
}

static void add_admin(struct crowd *c, const struct person *p)
{
	struct seeing *s = c->seeing;

	if (s->seen->admins.n >= MAX_ADMINS)
		return;
	if (is_plain(p->name))
		*vec_push(s->arena, &s->seen->admins) =
			(struct seen_admin){.name = p->name, .evidence = evidence_of(s, p)};
	else
		*vec_push(s->arena, &s->seen->notes) = arena_printf(
			s->arena, "The account '%.*s' administers, but its name cannot be written here.",
			STR_ARG(p->name));
}

/* Root is one only where it is used: nobody else can, or it logs in from elsewhere. */
static void see_admins(struct crowd *c)
{
	struct seeing *s = c->seeing;
	bool others = false;

	vec_each(&c->all, p)
	{
		if (p->root || !p->shell || !(is_session(s, p) || (p->raises && (p->key || p->logins))))
			continue;
		others = true;
		add_admin(c, p);
	}
	vec_each(&c->all, p)
	{
		if (p->root && p->shell &&
			(is_session(s, p) || p->remote || (!others && (p->key || p->logins))))
			add_admin(c, p);
	}
}

/* Who comes in, too: a list of administrators alone would be about them as well. */
static void tell_others(struct crowd *c)
{
	struct seeing *s = c->seeing;

	vec_each(&c->all, p)
	{
		if (!p->root && p->remote && !p->raises && !is_session(s, p) && s->seen->notes.n < 20)
			*vec_push(s->arena, &s->seen->notes) =
				arena_printf(s->arena, "%.*s logs in, too, and may not administer: last on %s.",
							 STR_ARG(p->name), seen_day(s->arena, p->last));
	}
}

void seen_people(struct seeing *s)
{
	struct crowd c = {.seeing = s};

	map_init(&c.by_name, s->arena);
	see_users(&c);
	see_keys(&c);
	see_sudo(&c);
	see_doas(&c);
	see_from(&c);
	see_admins(&c);
	tell_others(&c);
}
