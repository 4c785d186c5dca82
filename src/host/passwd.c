/* SPDX-License-Identifier: Apache-2.0 */
#include "host/passwd.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/vec.h"
#include "host/crypt_id.h"

#define NOBODY 65534u

/* Shells that end at once, by the last component of their path. */
static const char *const no_login[] = {
	"nologin", "false", "true", "sync", "shutdown", "halt", "poweroff", "reboot", "null", NULL,
};

/* As glibc reads a number here: strtoul() passes over white space and a plus sign in front, so an
 * entry with uid "+0" or " 0" is root. */
static bool parse_id(struct str s, uint32_t *ret)
{
	uint64_t n;

	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	str_skip(&s, "+");
	if (num_u64(s, 0, UINT32_MAX, &n) < 0)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* White space in front of an entry, empty lines and comments, as nss_files passes over them. */
static bool is_entry(struct str *line)
{
	while (line->n && (line->p[0] == ' ' || line->p[0] == '\t'))
		line->p++, line->n--;
	return line->n && line->p[0] != '#';
}

static struct str field(struct str *rest)
{
	struct str s;

	return str_cut(rest, ':', &s) ? s : STR("");
}

/* Fields behind the gid may be missing: glibc takes them as empty. */
static bool parse_user(struct str line, struct passwd_user *ret)
{
	ret->name = field(&line);
	field(&line); /* the password */
	if (!ret->name.n || !parse_id(field(&line), &ret->uid) || !parse_id(field(&line), &ret->gid))
		return false;
	ret->gecos = field(&line);
	ret->home = field(&line);
	ret->shell = field(&line);
	return ret->name.p[0] != '+' && ret->name.p[0] != '-';
}

static void parse_members(struct arena *arena, struct str list, struct passwd_group *g)
{
	VEC(struct str) members = {0};
	struct str member;

	while (str_cut(&list, ',', &member)) {
		member = str_trim(member);
		if (member.n)
			*vec_push(arena, &members) = member;
	}
	g->members = members.p;
	g->n_members = members.n;
}

static bool parse_group(struct arena *arena, struct str line, struct passwd_group *ret)
{
	ret->name = field(&line);
	field(&line);
	if (!ret->name.n || !parse_id(field(&line), &ret->gid))
		return false;
	parse_members(arena, field(&line), ret);
	return ret->name.p[0] != '+' && ret->name.p[0] != '-';
}

static int check_group_line(const char *path, unsigned number, struct str line, struct str name,
							struct err *err)
{
	struct str rest = line, first = STR_ABSENT, ignored;
	int fields = 1;

	(void)str_cut(&rest, ':', &first);
	while (str_cut(&rest, ':', &ignored))
		fields++;
	if (!str_eq(first, name))
		return err_set(err, EBADMSG, "%s:%u: white space before %.*s", path, number, STR_ARG(name));
	return fields == 4 ? 0
					   : err_set(err, EBADMSG, "%s:%u: the line of %.*s has %d fields, not 4", path,
								 number, STR_ARG(name), fields);
}

int passwd_check_group_lines(const char *path, struct str text, struct str name, struct err *err)
{
	struct str line;
	unsigned number = 0, found = 0;
	int r = 0;

	while (r == 0 && str_line(&text, &line)) {
		struct str rest = line, first = STR_ABSENT;

		number++;
		(void)str_cut(&rest, ':', &first);
		first = str_trim(first);
		if (first.n && (first.p[0] == '+' || first.p[0] == '-'))
			return err_set(err, EBADMSG, "%s:%u: NIS has a part in who is in a group", path,
						   number);
		if (!str_eq(first, name))
			continue;
		if (found++)
			return err_set(err, EBADMSG, "%s:%u: another line of %.*s", path, number,
						   STR_ARG(name));
		r = check_group_line(path, number, line, name, err);
	}
	return r;
}

static int compare_users(const void *a, const void *b)
{
	const struct passwd_user *x = *(const struct passwd_user *const *)a;
	const struct passwd_user *y = *(const struct passwd_user *const *)b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return (x > y) - (x < y);
}

static int compare_primary(const void *a, const void *b)
{
	const struct passwd_user *x = *(const struct passwd_user *const *)a;
	const struct passwd_user *y = *(const struct passwd_user *const *)b;

	return (x->gid > y->gid) - (x->gid < y->gid);
}

static int compare_groups(const void *a, const void *b)
{
	const struct passwd_group *x = *(const struct passwd_group *const *)a;
	const struct passwd_group *y = *(const struct passwd_group *const *)b;

	if (x->gid != y->gid)
		return x->gid < y->gid ? -1 : 1;
	return (x > y) - (x < y);
}

static void index_users(struct arena *arena, struct passwd_db *db)
{
	map_init(&db->by_name, arena);
	db->by_uid = arena_new(arena, const struct passwd_user *, db->n_users);
	db->by_primary = arena_new(arena, const struct passwd_user *, db->n_users);
	for (size_t i = 0; i < db->n_users; i++) {
		db->by_uid[i] = db->by_primary[i] = &db->users[i];
		if (!map_get(&db->by_name, db->users[i].name))
			map_put(&db->by_name, db->users[i].name, &db->users[i]);
	}
	if (!db->n_users)
		return;
	qsort(db->by_uid, db->n_users, sizeof(struct passwd_user *), compare_users);
	qsort(db->by_primary, db->n_users, sizeof(struct passwd_user *), compare_primary);
}

static void index_groups(struct arena *arena, struct passwd_db *db)
{
	db->by_gid = arena_new(arena, const struct passwd_group *, db->n_groups);
	for (size_t i = 0; i < db->n_groups; i++)
		db->by_gid[i] = &db->groups[i];
	if (db->n_groups)
		qsort(db->by_gid, db->n_groups, sizeof(struct passwd_group *), compare_groups);
}

static int read_users(struct host *host, struct arena *arena, struct passwd_db *db, struct err *err)
{
	VEC(struct passwd_user) users = {0};
	struct str text, line;
	unsigned number = 0;
	int r = host_read_scrubbed(host, "/etc/passwd", crypt_scrub_passwd, arena, &text, err);

	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		struct passwd_user user = {.line = ++number};

		if (!is_entry(&line))
			continue;
		if (parse_user(line, &user))
			*vec_push(arena, &users) = user;
		else
			db->bad_lines++;
	}
	db->users = users.p;
	db->n_users = users.n;
	index_users(arena, db);
	return 0;
}

static int read_groups(struct host *host, struct arena *arena, struct passwd_db *db,
					   struct err *err)
{
	VEC(struct passwd_group) groups = {0};
	struct str text = STR_ABSENT, line;
	unsigned number = 0;
	int r = host_read_scrubbed(host, "/etc/group", crypt_scrub_passwd, arena, &text, err);

	if (r < 0 && r != -ENOENT)
		return r;
	while (str_line(&text, &line)) {
		struct passwd_group group = {.line = ++number};

		if (!is_entry(&line))
			continue;
		if (parse_group(arena, line, &group))
			*vec_push(arena, &groups) = group;
		else
			db->bad_lines++;
	}
	db->groups = groups.p;
	db->n_groups = groups.n;
	index_groups(arena, db);
	return 0;
}

/* The last line of a key wins. On SUSE the vendor's file is in /usr/etc. */
static int read_uid_min(struct host *host, struct arena *arena, uint32_t *ret, struct err *err)
{
	struct str text = STR_ABSENT, line, key, value;
	int r = host_read(host, "/etc/login.defs", arena, &text, err);

	if (r == -ENOENT)
		r = host_read(host, "/usr/etc/login.defs", arena, &text, err);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = 1000;
	while (str_line(&text, &line))
		if (str_word(&line, &key) && str_is(key, "UID_MIN") && str_word(&line, &value))
			(void)parse_id(value, ret);
	return 0;
}

int passwd_read(struct host *host, struct arena *arena, struct passwd_db *ret, struct err *err)
{
	struct passwd_db db = {0};
	int r = read_users(host, arena, &db, err);

	if (r == 0)
		r = read_groups(host, arena, &db, err);
	if (r == 0)
		r = read_uid_min(host, arena, &db.uid_min, err);
	if (r == 0) {
		*err = (struct err){0};
		*ret = db;
	}
	return r;
}

const struct passwd_user *passwd_by_name(const struct passwd_db *db, struct str name)
{
	return map_get(&db->by_name, name);
}

const struct passwd_user *passwd_by_uid(const struct passwd_db *db, uint32_t uid)
{
	size_t low = 0, high = db->n_users;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (db->by_uid[middle]->uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < db->n_users && db->by_uid[low]->uid == uid ? db->by_uid[low] : NULL;
}

/* Where the groups of that gid begin in by_gid. */
static size_t first_with_gid(const struct passwd_db *db, uint32_t gid)
{
	size_t low = 0, high = db->n_groups;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (db->by_gid[middle]->gid < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct passwd_group *passwd_by_gid(const struct passwd_db *db, uint32_t gid)
{
	size_t i = first_with_gid(db, gid);

	return i < db->n_groups && db->by_gid[i]->gid == gid ? db->by_gid[i] : NULL;
}

static bool is_self_or_root(const struct passwd_user *who, const struct passwd_user *user)
{
	return who && (who->uid == user->uid || who->uid == 0);
}

/* Where the users whose primary group it is begin in by_primary. */
static size_t first_of_group(const struct passwd_db *db, uint32_t gid)
{
	size_t low = 0, high = db->n_users;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (db->by_primary[middle]->gid < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Asked for each account, and files may have thousands of lines of one number. */
#define MAX_PRIVATE 64

bool passwd_is_private_group(const struct passwd_db *db, uint32_t gid,
							 const struct passwd_user *user)
{
	size_t i = first_of_group(db, gid), seen = 0;

	for (; i < db->n_users && db->by_primary[i]->gid == gid; i++)
		if (++seen > MAX_PRIVATE || !is_self_or_root(db->by_primary[i], user))
			return false;
	for (i = first_with_gid(db, gid); i < db->n_groups && db->by_gid[i]->gid == gid; i++) {
		const struct passwd_group *g = db->by_gid[i];

		if (++seen > MAX_PRIVATE)
			return false;
		for (size_t k = 0; k < g->n_members; k++)
			if (++seen > MAX_PRIVATE || !is_self_or_root(passwd_by_name(db, g->members[k]), user))
				return false;
	}
	return true;
}

const struct passwd_group *passwd_group_by_name(const struct passwd_db *db, struct str name)
{
	for (size_t i = 0; i < db->n_groups; i++)
		if (str_eq(db->groups[i].name, name))
			return &db->groups[i];
	return NULL;
}

struct str passwd_user_name(const struct passwd_db *db, uint32_t uid, struct arena *arena)
{
	const struct passwd_user *user = passwd_by_uid(db, uid);

	return user ? user->name : str_of(arena_printf(arena, "%u", uid));
}

struct str passwd_group_name(const struct passwd_db *db, uint32_t gid, struct arena *arena)
{
	const struct passwd_group *group = passwd_by_gid(db, gid);

	return group ? group->name : str_of(arena_printf(arena, "%u", gid));
}

/* The first names, without the k-th, and a remark when these are not all. */
static struct passwd_others others_of(struct arena *arena, const struct str *names, size_t n,
									  size_t k)
{
	struct str *list = arena_new(arena, struct str, MIN(n, (size_t)PASSWD_MAX_OTHERS + 1));
	struct passwd_others others = {list, 0};

	for (size_t i = 0; i < n && others.n < PASSWD_MAX_OTHERS; i++)
		if (i != k)
			list[others.n++] = names[i];
	if (others.n < n - 1)
		list[others.n++] =
			str_of(arena_printf(arena, "(and %zu more)", n - 1 - PASSWD_MAX_OTHERS));
	return others;
}

void passwd_others(struct arena *arena, const struct str *names, size_t n,
				   struct passwd_others *ret)
{
	/* Whoever is not among the first sees the same as the others that are not. */
	for (size_t k = 0; k < n; k++)
		ret[k] = k <= PASSWD_MAX_OTHERS ? others_of(arena, names, n, k) : ret[PASSWD_MAX_OTHERS];
}

bool passwd_can_login(const struct passwd_user *user)
{
	struct str rest = user->shell, name = STR_ABSENT;

	while (str_cut(&rest, '/', &name))
		;
	return !str_is_one_of(name, no_login);
}

bool passwd_is_system(const struct passwd_db *db, uint32_t uid)
{
	return uid < db->uid_min || uid == NOBODY;
}
