/* SPDX-License-Identifier: Apache-2.0 */
#include "change/keep.h"

#include "change/login.h"

#define TRIES 32 /* accounts with a shell that are asked about; each takes some 50 ms */

/* What is the network's, the kernel's or the next boot's has no part in who may log in. */
static bool bears_on_logins(const struct step *s)
{
	static const char *const types[] = {"sysctl", "module", "grub", "reload"};
	static const char *const directories[] = {"/etc/sysctl.d/", "/etc/modprobe.d/"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(s->type->name, types[i]) == 0)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		if (str_starts(str_of(s->target), directories[i]))
			return false;
	return true;
}

static bool is_candidate(const struct login *l, const struct passwd_user *u)
{
	return passwd_can_login(u) && (u->uid == 0 || !passwd_is_system(&l->users, u->uid));
}

static bool can(struct login *l, const struct passwd_user *u, bool by_key)
{
	const char *evidence;

	l->by_key = by_key;
	return login_works_from_session(l, u, &evidence);
}

int keep_note(const struct place *place, const struct plan *plan, struct arena *a, struct keep *ret,
			  struct err *err)
{
	struct login l;
	size_t tries = 0, n = 0;

	*ret = (struct keep){0};
	while (n < plan->steps.n && !bears_on_logins(&plan->steps.p[n]))
		n++;
	if (n == plan->steps.n)
		return 0;
	if (login_open(&l, place, a, err) < 0)
		return -err->errnum;
	for (size_t i = 0; i < l.users.n_users && tries < TRIES && ret->n < KEEP_MAX; i++) {
		const struct passwd_user *u = &l.users.users[i];
		bool by_key;

		if (!is_candidate(&l, u))
			continue;
		tries++;
		by_key = can(&l, u, true);
		if (!by_key && !can(&l, u, false))
			continue;
		ret->who[ret->n].uid = u->uid;
		ret->who[ret->n++].by_key = by_key;
	}
	login_close(&l);
	return 0;
}

int keep_check(const struct place *place, const struct keep *keep, bool own, struct arena *a,
			   struct err *err)
{
	struct login l;
	int r = 0;

	if (!keep->n)
		return 0;
	if (login_open(&l, place, a, err) < 0)
		return -err->errnum;
	for (size_t i = 0; r == 0 && i < keep->n; i++) {
		const struct passwd_user *u = passwd_by_uid(&l.users, keep->who[i].uid);
		const char *with = keep->who[i].by_key ? " with a key" : "";

		if (own && (!l.session.uid || keep->who[i].uid != l.session.uid))
			continue;
		if (!u)
			r = err_set(err, EPERM, "the account of uid %u, an administrator, would be gone",
						keep->who[i].uid);
		else if (!can(&l, u, keep->who[i].by_key))
			r = err_set(err, EPERM,
						"%.*s could log in%s as an administrator, and could not any more: %s",
						STR_ARG(u->name), with, l.why);
	}
	login_close(&l);
	return r;
}
