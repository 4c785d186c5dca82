/* SPDX-License-Identifier: Apache-2.0 */
/* A file, directory, link or whatever else has the name. What it is is said of a link itself; its content
 * is its target's. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "host/passwd.h"
#include "spec/lookup.h"

enum {
	EXISTS,
	MODE,
	OWNER,
	GROUP,
	UID,
	GID,
	LINKED_TO,
	FILETYPE,
	CONTENTS,
	SIZE,
	MD5,
	SHA256,
	SHA512,
	PATH
};

static const struct attribute attributes[] = {
	[EXISTS] = {"exists", EXPECTED, .required = true},
	[MODE] = {"mode", EXPECTED},
	[OWNER] = {"owner", EXPECTED},
	[GROUP] = {"group", EXPECTED},
	[UID] = {"uid", EXPECTED},
	[GID] = {"gid", EXPECTED},
	[LINKED_TO] = {"linked-to", EXPECTED},
	[FILETYPE] = {"filetype", EXPECTED},
	[CONTENTS] = {"contents", EXPECTED_TEXT, .also = "contains"},
	[SIZE] = {"size", EXPECTED},
	[MD5] = {"md5", EXPECTED},
	[SHA256] = {"sha256", EXPECTED},
	[SHA512] = {"sha512", EXPECTED},
	[PATH] = {"path", SETTING_TEXT},
	{0},
};

struct file {
	const char *path;
	struct path_stat st;
	bool exists;
};

/* ~ and ~USER are homes; what does not begin with / begins where the tests were started. */
static int find_path(struct finding *f, const char **ret, struct err *err)
{
	struct str path = f->resource->name, user = path;
	const struct passwd_user *u;

	if (!str_starts(path, "~")) {
		*ret = str_starts(path, "/")
				   ? str_dup(f->arena, path)
				   : arena_printf(f->arena, "%s/%.*s", f->suite->directory, STR_ARG(path));
		return 0;
	}
	(void)str_skip(&user, "~");
	path = user;
	(void)str_cut(&path, '/', &user);
	if (!f->users)
		return err_set(err, ENODATA, "/etc/passwd cannot be read");
	u = user.n ? passwd_by_name(f->users, user) : passwd_by_uid(f->users, geteuid());
	if (!u)
		return err_set(err, ENOENT, "there is no user %.*s", STR_ARG(user));
	*ret = arena_printf(f->arena, "%.*s/%.*s", STR_ARG(u->home), STR_ARG(path));
	return 0;
}

/* Asked again, it fails again. */
static int give_up(struct finding *f, int r)
{
	f->state = NULL;
	return r;
}

static int look(struct finding *f, struct file **ret, struct err *err)
{
	struct file *file = f->state;
	int r;

	*ret = file;
	if (file)
		return 0;
	*ret = f->state = file = arena_new(f->arena, struct file, 1);
	r = find_path(f, &file->path, err);
	if (r < 0)
		return give_up(f, r);
	r = host_stat(f->host, file->path, false, &file->st, err);
	file->exists = r == 0;
	/* What is below a file that is no directory is not there either. */
	return r < 0 && r != -ENOENT && r != -ENOTDIR ? give_up(f, r) : 0;
}

static const char *type_name_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFSOCK:
		return "socket";
	case S_IFIFO:
		return "pipe";
	case S_IFCHR:
		return "character-device";
	case S_IFBLK:
		return "block-device";
	default:
		return "file";
	}
}

static int find_owner(struct finding *f, const struct file *file, int attribute, struct datum *ret,
					  struct err *err)
{
	if (!f->users)
		return err_set(err, ENODATA, "/etc/passwd cannot be read");
	*ret = DATUM_STR(attribute == OWNER ? passwd_user_name(f->users, file->st.uid, f->arena)
										: passwd_group_name(f->users, file->st.gid, f->arena));
	return 0;
}

/* Of a file of any size. */
static int find_hash(struct finding *f, const struct file *file, const EVP_MD *md,
					 struct datum *ret, struct err *err)
{
	_cleanup_close_ int fd = path_open(host_root_fd(f->host), file->path, O_RDONLY | O_NONBLOCK);
	unsigned char chunk[65536], digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct stat st;
	unsigned n = 0;
	ssize_t got = 0;
	char *text;
	bool good = fd >= 0 && context && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
				EVP_DigestInit_ex(context, md, NULL) == 1;

	while (good && (got = read(fd, chunk, sizeof(chunk))) > 0)
		good = EVP_DigestUpdate(context, chunk, (size_t)got) == 1;
	good = good && got == 0 && EVP_DigestFinal_ex(context, digest, &n) == 1;
	EVP_MD_CTX_free(context);
	if (!good)
		return fd < 0 ? err_errno(err, -fd, "%s", file->path)
					  : err_set(err, EIO, "%s: cannot be read as a file", file->path);
	text = arena_alloc(f->arena, 2 * (size_t)n + 1);
	for (unsigned i = 0; i < n; i++) {
		text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	*ret = DATUM_STR(((struct str){text, 2 * (size_t)n}));
	return 0;
}

static int find_link(struct finding *f, const struct file *file, struct datum *ret, struct err *err)
{
	struct str target;
	int r = host_readlink(f->host, file->path, f->arena, &target, err);

	if (r == -EINVAL)
		return err_set(err, EINVAL, "%s: is no link", file->path);
	*ret = DATUM_STR(target);
	return r;
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	struct file *file;
	struct str text;
	int r = look(f, &file, err);

	if (r < 0)
		return r;
	*ret = DATUM_YES(file->exists);
	if (attribute == EXISTS)
		return 0;
	if (!file->exists)
		return err_set(err, ENOENT, "%s: there is no such file", file->path);
	switch (attribute) {
	case MODE:
		*ret = DATUM_STR(str_of(arena_printf(f->arena, "%04o", file->st.mode & 07777)));
		return 0;
	case OWNER:
	case GROUP:
		return find_owner(f, file, attribute, ret, err);
	case UID:
	case GID:
		*ret = DATUM_NUMBER(attribute == UID ? file->st.uid : file->st.gid);
		return 0;
	case LINKED_TO:
		return find_link(f, file, ret, err);
	case FILETYPE:
		*ret = DATUM_STR(str_of(type_name_of(file->st.mode)));
		return 0;
	case SIZE:
		*ret = DATUM_NUMBER(file->st.size);
		return 0;
	case CONTENTS:
		r = host_read(f->host, file->path, f->arena, &text, err);
		*ret = DATUM_STR(text);
		return r;
	default:
		return find_hash(f, file,
						 attribute == MD5      ? EVP_md5()
						 : attribute == SHA256 ? EVP_sha256()
											   : EVP_sha512(),
						 ret, err);
	}
}

static const struct kind file_kind = {"file",        "File",      attributes, .subject = "path",
									  .gated = true, .find = find};
KIND(file_kind);
