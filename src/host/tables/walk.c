/* SPDX-License-Identifier: Apache-2.0 */
/* All local file systems: files that carry privilege, that anyone may write, that nobody owns. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/confine.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/capability.h"
#include "host/edit.h"
#include "host/fields.h"
#include "host/owner.h"
#include "host/nsswitch.h"
#include "host/passwd.h"
#include "host/table.h"
#include "host/walk_scope.h"
#include "host/walker.h"

enum {
	PATH,
	KIND,
	MODE,
	OWNER,
	GROUP,
	UID,
	GID,
	SETUID,
	SETGID,
	CAPABILITIES,
	WORLD_WRITABLE,
	STICKY,
	UNOWNED,
	UNGROUPED,
	PACKAGE,
};

static const struct column columns[] = {
	[PATH] = {"path", TYPE_STRING, "The file", COLUMN_KEY | COLUMN_LABEL},
	[KIND] = {"type", TYPE_STRING, "regular, directory, symlink, socket, fifo, block, char", 0},
	[MODE] = {"mode", TYPE_MODE, "Permission bits", COLUMN_SETTABLE},
	[OWNER] = {"owner", TYPE_STRING, "Name of the owner; the uid when it has none", 0},
	[GROUP] = {"group", TYPE_STRING, "Name of the group; the gid when it has none", 0},
	[UID] = {"uid", TYPE_INT, "Owner", 0},
	[GID] = {"gid", TYPE_INT, "Group", 0},
	[SETUID] = {"setuid", TYPE_BOOL, "A regular file that runs as its owner", 0},
	[SETGID] = {"setgid", TYPE_BOOL, "A regular file that runs with its group", 0},
	[CAPABILITIES] = {"capabilities", TYPE_STRING,
					  "File capabilities as getcap(8) prints them; absent: none", 0},
	[WORLD_WRITABLE] = {"world_writable", TYPE_BOOL,
						"A regular file, directory or block device that others may write", 0},
	[STICKY] = {"sticky", TYPE_BOOL, "Only owners may delete in the directory", 0},
	[UNOWNED] = {"unowned", TYPE_BOOL, "No user has the uid", 0},
	[UNGROUPED] = {"ungrouped", TYPE_BOOL, "No group has the gid", 0},
	[PACKAGE] = {"package", TYPE_STRING,
				 "Package that installed the file; asked for set-id files and those with "
				 "capabilities; absent: none did", 0},
	{0},
};

/*
 * The query.
 */

/* The walk's thread is no table's, so that nothing limits its memory: 20 times what the files have. */
#define MAX_USERS ((int64_t)4 << 20)

static int check_size(struct host *host, struct err *err)
{
	static const char *const files[] = {"/etc/passwd", "/etc/group"};
	struct path_stat st;
	int64_t size = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (host_stat(host, files[i], true, &st, err) == 0)
			size += st.size;
	if (size > MAX_USERS)
		return err_set(err, EFBIG, "/etc/passwd and /etc/group are over 4 MiB");
	*err = (struct err){0};
	return 0;
}

/* Without a list of users nobody can be told to be missing: *ret_users is NULL and the answer says
 * why. */
static void find_users(struct host *host, struct arena *a, struct passwd_db *db,
					   const struct passwd_db **ret_users, struct buf *out)
{
	struct err err = {0};
	int r = check_size(host, &err);

	if (r == 0)
		r = passwd_read(host, a, db, &err);
	*ret_users = r < 0 ? NULL : db;
	if (*ret_users)
		return;
	buf_puts(out, "nousers=");
	fields_escaped(out, str_of(err.msg));
	buf_putc(out, '\n');
}

static int walk_mounts(struct arena *a, const struct walk_roots *roots, struct walker *job,
					   struct buf *out, struct err *err)
{
	struct walker_root *list = arena_new(a, struct walker_root, roots->n + 1);

	for (size_t i = 0; i < roots->n; i++) {
		struct str target = roots->p[i].mount->target;

		list[i].path = str_is(target, "/") ? "" : str_dup(a, target);
		list[i].fd = roots->p[i].fd;
	}
	if (roots->unreadable) {
		buf_printf(out, "unreadable=%zu first=", roots->unreadable);
		fields_escaped(out, roots->first);
		buf_putc(out, '\n');
	}
	job->roots = list;
	job->n_roots = roots->n;
	return walker_run(job, out, err);
}

static int walk_tree(struct host *host, struct walker job, struct buf *out, struct err *err)
{
	_cleanup_close_ int fd = path_open(host_root_fd(host), "/", O_RDONLY | O_DIRECTORY);
	struct walker_root root = {.path = "", .fd = fd};

	if (fd < 0)
		return err_errno(err, -fd, "/");
	job.roots = &root;
	job.n_roots = 1;
	job.cross = true;
	return walker_run(&job, out, err);
}

static int walk_live(struct host *host, struct buf *out, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct passwd_db db;
	struct walker job = {0};
	_cleanup_walk_roots_ struct walk_roots roots = {0};
	struct err ignored;

	find_users(host, &a, &db, &job.users, out);
	if (!host_is_live(host) || walk_roots_find(host, &a, &roots, &ignored) < 0)
		return walk_tree(host, job, out, err);
	return walk_mounts(&a, &roots, &job, out, err);
}

static const struct query walk_query = {
	.name = "walk",
	.live = walk_live,
	.max = (size_t)16 << 20,
	.tree = true,
};

static void start_walk(struct host *host)
{
	host_query_start(host, &walk_query, confine_walker);
}

static void set_capabilities(struct rows *rows, struct row *row, struct str hex)
{
	_cleanup_buf_ struct buf text = BUF(8192);
	struct file_caps caps;

	if (!capability_parse(hex, &caps)) {
		row_unknown(row, CAPABILITIES, "security.capability is of a revision that is not known");
		return;
	}
	capability_print(&text, &caps);
	row_str(row, CAPABILITIES, (struct str){arena_copy(rows->arena, text.p, text.n), text.n});
}

/*
 * Its text as rows.
 */

struct finding {
	struct str path, caps;
	uint32_t mode, uid, gid;
	bool setuid, setgid, world_writable, unowned, ungrouped;
};

/* Who may have a name. Users of a directory server (SSSD, LDAP, winbind) are not in our files, so
 * that what they own cannot be called unowned. */
struct names {
	struct passwd_db db;
	const struct passwd_db *users; /* &db, or NULL: not known at all */
	const char *elsewhere;         /* why more may have one; NULL: nobody else */
	struct map seen;               /* with elsewhere: owners that have a row */
};

static void read_names(struct host *host, struct arena *a, struct names *ret,
					   struct str *ret_unknown)
{
	struct err err = {0};

	map_init(&ret->seen, a);
	if (passwd_read(host, a, &ret->db, &err) == 0)
		ret->users = &ret->db;
	else
		*ret_unknown = str_of(arena_strdup(a, err.msg));
	ret->elsewhere = nsswitch_elsewhere(host, a, "passwd", "may know the owner");
	if (!ret->elsewhere)
		ret->elsewhere = nsswitch_elsewhere(host, a, "group", "may know the owner");
}

/* Users that systemd makes up for services with DynamicUser= (61184 to 65519, see UIDS-GIDS.md)
 * have no name while the service does not run; what it left waits for it in these places. */
static bool is_of_dynamic_user(struct str path, uint32_t id)
{
	static const char *const places[] = {
		"/var/lib/private/", "/var/cache/private/", "/var/log/private/", "/run/",
		"/tmp/systemd-private-", "/var/tmp/systemd-private-",
	};

	if (id < 61184 || id > 65519)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (str_starts(path, places[i]))
			return true;
	return false;
}

static uint32_t number(struct str s, bool octal)
{
	uint64_t n = 0;

	if (!octal)
		(void)num_u64(s, 0, UINT32_MAX, &n);
	for (size_t i = 0; octal && i < s.n && s.p[i] >= '0' && s.p[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(s.p[i] - '0');
	return (uint32_t)n;
}

static void parse_finding(struct arena *a, struct str line, struct finding *f)
{
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "path"))
			f->path = fields_plain(a, value);
		else if (str_is(name, "mode"))
			f->mode = number(value, true);
		else if (str_is(name, "uid"))
			f->uid = number(value, false);
		else if (str_is(name, "gid"))
			f->gid = number(value, false);
		else if (str_is(name, "caps"))
			f->caps = value;
	}
	f->setuid = S_ISREG(f->mode) && f->mode & S_ISUID;
	f->setgid = S_ISREG(f->mode) && f->mode & S_ISGID;
	f->world_writable = f->mode & S_IWOTH && !S_ISLNK(f->mode) && !S_ISSOCK(f->mode) &&
						!S_ISFIFO(f->mode) && !S_ISCHR(f->mode);
}

static bool is_privileged(const struct finding *f)
{
	return f->setuid || f->setgid || f->caps.p;
}

static void set_unowned(struct row *row, int column, bool value, const char *elsewhere)
{
	if (value && elsewhere)
		row_unknown(row, column, elsewhere);
	else
		row_bool(row, column, value);
}

static void set_identity(struct rows *rows, struct row *row, const struct finding *f,
						 const struct names *names)
{
	const struct passwd_db *users = names->users;

	row_int(row, UID, f->uid);
	row_int(row, GID, f->gid);
	if (!users) {
		static const char why[] = "/etc/passwd or /etc/group could not be read";

		row_unknown(row, OWNER, why);
		row_unknown(row, GROUP, why);
		row_unknown(row, UNOWNED, why);
		row_unknown(row, UNGROUPED, why);
		return;
	}
	row_str(row, OWNER, passwd_user_name(users, f->uid, rows->arena));
	row_str(row, GROUP, passwd_group_name(users, f->gid, rows->arena));
	set_unowned(row, UNOWNED, f->unowned, names->elsewhere);
	set_unowned(row, UNGROUPED, f->ungrouped, names->elsewhere);
}

static void add_finding(struct rows *rows, const struct finding *f, const struct names *names)
{
	struct row *row = rows_add(rows, FROM(str_dup(rows->arena, f->path), 0));

	row_str(row, PATH, f->path);
	row_strz(row, KIND, path_kind(f->mode));
	row_int(row, MODE, f->mode & 07777);
	set_identity(rows, row, f, names);
	row_bool(row, SETUID, f->setuid);
	row_bool(row, SETGID, f->setgid);
	row_bool(row, WORLD_WRITABLE, f->world_writable);
	row_bool(row, STICKY, f->mode & S_ISVTX);
	if (f->caps.p)
		set_capabilities(rows, row, f->caps);
}

struct answer {
	VEC(struct finding) findings;
	size_t unreadable, unexamined;
	struct str first_unreadable, first_unexamined;
	struct str no_users;
	bool more;
};

static void add_count(struct arena *a, struct str line, size_t *count, struct str *first)
{
	struct str name, value;
	uint64_t n = 0;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "first") && !first->p)
			*first = fields_plain(a, value);
		else if (num_u64(value, 0, UINT32_MAX, &n) == 0)
			*count += n;
	}
}

static void parse_line(struct arena *a, struct str line, const struct passwd_db *users,
					   struct answer *answer)
{
	struct finding f = {0};

	if (str_starts(line, "unreadable=")) {
		add_count(a, line, &answer->unreadable, &answer->first_unreadable);
	} else if (str_starts(line, "unexamined=")) {
		add_count(a, line, &answer->unexamined, &answer->first_unexamined);
	} else if (str_skip(&line, "nousers=")) {
		answer->no_users = fields_plain(a, line);
	} else if (str_is(line, "more")) {
		answer->more = true;
	} else {
		parse_finding(a, line, &f);
		f.unowned = users && !passwd_by_uid(users, f.uid) && !is_of_dynamic_user(f.path, f.uid);
		f.ungrouped = users && !passwd_by_gid(users, f.gid) && !is_of_dynamic_user(f.path, f.gid);
		if (is_privileged(&f) || f.world_writable || f.unowned || f.ungrouped)
			*vec_push(a, &answer->findings) = f;
	}
}

/* One reason is kept, so it has to name all of them. */
static void set_gap(struct rows *rows, const struct answer *answer)
{
	_cleanup_buf_ struct buf why = BUF(2048);

	if (answer->unreadable)
		buf_printf(&why, "; %zu directories could not be read, such as %.200s", answer->unreadable,
				   str_dup(rows->arena, answer->first_unreadable));
	if (answer->unexamined)
		buf_printf(&why, "; %zu files could not be examined, such as %.200s", answer->unexamined,
				   str_dup(rows->arena, answer->first_unexamined));
	if (answer->more)
		buf_printf(&why, "; there are more than %d of a kind", WALKER_MAX_FINDINGS);
	if (answer->no_users.p)
		buf_printf(&why, "; files without an owner are not known: %.200s",
				   str_dup(rows->arena, answer->no_users));
	if (why.n)
		rows_gap(rows, "%s", why.p + 2);
}

static int by_path(const void *a, const void *b)
{
	return str_cmp(((const struct finding *)a)->path, ((const struct finding *)b)->path);
}

/* What a user of a directory server owns may be most of the disk: the first file of each is
 * enough to say that it is not known. */
static bool is_repeated(struct arena *a, const struct finding *f, struct names *names)
{
	const char *owner;

	if (!names->elsewhere || is_privileged(f) || f->world_writable)
		return false;
	owner = arena_printf(a, "%u:%u", f->uid, f->gid);
	return map_put(&names->seen, str_of(owner), names);
}

static void sort_findings(struct arena *a, struct answer *answer, struct names *names)
{
	struct finding *p = answer->findings.p;
	size_t kept = 0;

	if (answer->findings.n)
		qsort(p, answer->findings.n, sizeof(*p), by_path);
	for (size_t i = 0; i < answer->findings.n; i++)
		if (!is_repeated(a, &p[i], names))
			p[kept++] = p[i];
	answer->findings.n = kept;
}

/* Asks for the packages of the privileged files, all at once. rows->p[i] is findings[i]. */
static void set_packages(struct host *host, struct rows *rows, const struct answer *answer)
{
	struct arena *a = rows->arena;
	size_t n = 0;
	struct str *paths = arena_new(a, struct str, answer->findings.n + 1);
	struct str *packages = arena_new(a, struct str, answer->findings.n + 1);
	struct err err = {0};
	int r;

	for (size_t i = 0; i < answer->findings.n; i++)
		if (is_privileged(&answer->findings.p[i]))
			paths[n++] = answer->findings.p[i].path;
	r = n ? owner_lookup(host, a, paths, n, packages, &err) : 0;
	n = 0;
	for (size_t i = 0; i < answer->findings.n && i < rows->n; i++) {
		if (!is_privileged(&answer->findings.p[i]))
			continue;
		if (r < 0)
			row_unknown(rows->p[i], PACKAGE, arena_strdup(a, err.msg));
		else
			row_str(rows->p[i], PACKAGE, packages[n++]);
	}
}

static int read_walk(struct host *host, struct rows *rows, struct err *err)
{
	struct answer answer = {0};
	struct names names = {0};
	struct str text, line;
	int r = host_query(host, &walk_query, rows->arena, &text, err);

	if (r < 0)
		return r;
	read_names(host, rows->arena, &names, &answer.no_users);
	while (str_line(&text, &line))
		parse_line(rows->arena, line, names.users, &answer);
	sort_findings(rows->arena, &answer, &names);
	vec_each(&answer.findings, f)
		add_finding(rows, f, &names);
	set_packages(host, rows, &answer);
	set_gap(rows, &answer);
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

/* Where files are programs and settings: nobody but root has to write them. Elsewhere a file that all
 * may write may be how programs of different accounts share their data. */
static bool is_system_path(struct str path)
{
	static const char *const places[] = {"/etc/", "/usr/", "/bin/", "/sbin/", "/lib", "/boot/"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (str_starts(path, places[i]))
			return true;
	return false;
}

static bool is_plain_text(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if ((unsigned char)path.p[i] < 0x20 || (unsigned char)path.p[i] >= 0x7f)
			return false;
	return path.n > 0;
}

static int set_walk(struct host *host _unused_, const struct wish *wish, struct edits *edits,
					struct err *err)
{
	struct str path = wish->row ? wish->row->cells[PATH].string : STR_ABSENT;

	if (wish->column != MODE || !wish->row)
		return err_set(err, ENOTSUP, "files are not deleted");
	if (!is_plain_text(path))
		return err_set(err, ENOTSUP, "a file's name is not plain text: its mode is set by hand");
	if (str_is(wish->row->cells[KIND].string, "regular") && !is_system_path(path))
		return err_set(err, ENOTSUP,
					   "%.*s: which accounts have to write it is not known; give them a group, then "
					   "chmod o-w",
					   STR_ARG(path));
	edit_attribute(edits, str_dup(edits->arena, path), "mode", edit_text(edits, wish, ""));
	return 0;
}

static const struct table walk = {
	.name = "walk",
	.doc = "Files on all local file systems that are SUID or SGID, have capabilities, may be "
		   "written by anyone, or have no owner. Left out: /proc, /sys and /dev, network and FUSE "
		   "file systems, read-only images (squashfs), and where containers and machines keep "
		   "theirs (docker, containerd, podman, lxc, /var/lib/machines) and revet what it keeps of changed files; of a user's own containers "
		   "only what gives the rights of another account is listed",
	.columns = columns,
	.read = read_walk,
	.set = set_walk,
	.fix = "set the mode of {path}",
	.early = start_walk,
	.cost = 1000,
};
TABLE(walk);
