/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Could an account log in over SSH, and raise its privilege, with what is on disk now? It is asked
 * before services take that in, as root, on the running system. Each answer is that of the program
 * that will decide (sshd, PAM, sudo, doas) where it can be asked, and else follows what that program does;
 * whatever is not understood counts as a no.
 */
#ifndef REVET_CHANGE_LOGIN_H
#define REVET_CHANGE_LOGIN_H

#include "change/session.h"
#include "change/step.h"
#include "host/passwd.h"

struct login {
	const struct place *place;
	struct arena *arena;
	struct host *host;
	struct passwd_db users;
	struct session session;
	const char *peer; /* the address that is asked about */
	bool by_key;      /* a password does not do */
	const char *why;  /* the last thing that was found missing */
};

/* What is on disk now, and the present session. login_close() is needed after success only. */
int login_open(struct login *, const struct place *, struct arena *, struct err *);
void login_close(struct login *);

/* `sshd -T -C` for the user: the whole effective configuration. */
int login_ask_sshd(const struct login *, const char *user, struct str *ret, struct err *err);
/* The rest of the first line of `sshd -T` that begins with the key. */
struct str login_setting(struct str text, const char *key);

/* Has the user a key that sshd takes from there? *ret_path: the file that it is in. */
bool login_has_key(struct login *, const struct passwd_user *, struct str text, const char **ret_path);
/* Is the file there also before the user has logged in? In doubt it is not. */
bool login_home_stays(struct login *, const struct passwd_user *, const char *file);
/* Is the account neither locked, expired, nor due for a new password, as shadow(5) has it?
 * *ret_password: may it have a password that works? */
bool login_is_account_open(struct login *, const struct passwd_user *, bool uses_pam,
						   bool *ret_password);
/* Does PAM let the user in, for whom authentication was done elsewhere? */
bool login_pam_admits(struct login *, const char *service, const char *user);
/* Would the right password of the user pass: are all modules there that the service authenticates
 * with, one that asks /etc/shadow among them, and is nothing counted that locks him out? */
bool login_pam_takes_password(struct login *, const char *service, const char *user);
/* Runs the program as the user, with his groups; false when it fails. */
bool login_run_as(struct login *, const struct passwd_user *, const char *const argv[],
				  struct str *ret);
/* All of it, from where the session comes: *evidence says how. Where that is not known, an address
 * here and one that is nobody's (RFC 5737) both have to do: what lets in from some addresses only may
 * not mean that person's. */
bool login_works_from_session(struct login *, const struct passwd_user *, const char **evidence);

#endif
