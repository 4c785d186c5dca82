/* SPDX-License-Identifier: Apache-2.0 */
/* What PAM would answer to a right and to a wrong password: stacks of Debian and RHEL, whole and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "host/pam_try.h"
#include "host/recording.h"

#define DEBIAN "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n"
#define END "auth required pam_permit.so\n"
#define FIRST "auth requisite pam_faillock.so preauth\n"
#define FAIL "auth [default=die] pam_faillock.so authfail\n"

static const struct {
	const char *lines;
	enum pam_answer right, wrong;
} stacks[] = {
	{DEBIAN END, PAM_ADMITS, PAM_REFUSES},
	{FIRST "auth [success=2 default=ignore] pam_unix.so\n" FAIL "auth requisite pam_deny.so\n" END,
	 PAM_ADMITS, PAM_REFUSES},
	/* The jump is one too short, and one too long. */
	{FIRST "auth [success=1 default=ignore] pam_unix.so\n" FAIL "auth requisite pam_deny.so\n" END,
	 PAM_REFUSES, PAM_REFUSES},
	{"auth [success=3 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n" END, PAM_REFUSES,
	 PAM_REFUSES},
	/* A jump alone admits nobody, nor does what is only ignored. */
	{"auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n", PAM_REFUSES,
	 PAM_REFUSES},
	{"auth [default=ignore] pam_unix.so\n", PAM_REFUSES, PAM_REFUSES},
	{"auth [default=ignore] pam_unix.so\n" END, PAM_ADMITS, PAM_ADMITS},
	/* RHEL's. */
	{"auth required pam_env.so\n" FIRST "auth sufficient pam_unix.so nullok\nauth required "
	 "pam_faillock.so authfail\nauth required pam_deny.so\n",
	 PAM_ADMITS, PAM_REFUSES},
	{"auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular\n"
	 "auth [default=1 ignore=ignore success=ok] pam_localuser.so\nauth sufficient pam_unix.so\n"
	 "auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular\n"
	 "auth sufficient pam_sss.so forward_pass\nauth required pam_deny.so\n",
	 PAM_ADMITS, PAM_REFUSES},
	{"auth [default=1 success=ok] pam_usertype.so issystem\nauth sufficient pam_unix.so\n"
	 "auth required pam_deny.so\n",
	 PAM_REFUSES, PAM_REFUSES},
	{"auth required pam_unix.so\n", PAM_ADMITS, PAM_REFUSES},
	{"auth required pam_deny.so\nauth sufficient pam_unix.so\n", PAM_REFUSES, PAM_REFUSES},
	{"auth sufficient pam_permit.so\n" DEBIAN END, PAM_ADMITS, PAM_ADMITS},
	{"auth sufficient pam_rootok.so\n" DEBIAN END, PAM_ADMITS, PAM_REFUSES},
	{"auth [success=2 default=ignore] pam_sss.so\n" DEBIAN END, PAM_ADMITS, PAM_REFUSES},
	{"auth [success=ok auth_err=ok default=bad] pam_unix.so\n", PAM_ADMITS, PAM_REFUSES},
	{"auth optional pam_exec.so /bin/true\n" DEBIAN END, PAM_ADMITS, PAM_REFUSES},
	{"auth required pam_vendor.so\n" DEBIAN END, PAM_UNSURE, PAM_UNSURE},
	/* A second factor, and one that may be had instead. */
	{DEBIAN "auth required pam_oath.so\n" END, PAM_UNSURE, PAM_REFUSES},
	{"auth sufficient pam_u2f.so cue\n" DEBIAN END, PAM_ADMITS, PAM_UNSURE},
	{"auth sufficient pam_u2f.so cue\nauth required pam_deny.so\n", PAM_UNSURE, PAM_UNSURE},
	{"auth [success=odd default=ignore] pam_unix.so\n" END, PAM_UNSURE, PAM_UNSURE},
	{"auth [odd=ok default=ignore] pam_unix.so\n" END, PAM_UNSURE, PAM_UNSURE},
	{"auth optional pam_exec.so /bin/true\n", PAM_UNSURE, PAM_UNSURE},
	{"auth required\n" DEBIAN END, PAM_REFUSES, PAM_REFUSES},
	{"account required pam_unix.so\n", PAM_REFUSES, PAM_REFUSES},
	/* What only abstains has not admitted; of two actions for one value the last holds. */
	{"auth required pam_env.so\nauth required pam_nologin.so\n", PAM_REFUSES, PAM_REFUSES},
	{"auth required pam_nologin.so successok\n", PAM_ADMITS, PAM_ADMITS},
	{"auth [success=1 success=ok] pam_permit.so\n", PAM_ADMITS, PAM_ADMITS},
	{"auth [success=ok default=bad default=ok] pam_unix.so\n" END, PAM_ADMITS, PAM_REFUSES},
	{"auth required pam_unix.so\nauth [success=reset] pam_permit.so\n", PAM_REFUSES, PAM_REFUSES},
	{"auth required pam_deny.so\nauth [success=reset] pam_permit.so\n" END, PAM_ADMITS, PAM_ADMITS},
	/* "done" within a substack ends that alone, a jump passes over all of it. */
	{"auth substack inner\nauth required pam_deny.so\n", PAM_REFUSES, PAM_REFUSES},
	{"auth include inner\nauth required pam_deny.so\n", PAM_ADMITS, PAM_REFUSES},
	{"auth [success=1] pam_permit.so\nauth substack inner\n" END, PAM_ADMITS, PAM_ADMITS},
	{"auth [success=1] pam_permit.so\nauth include inner\n" END, PAM_REFUSES, PAM_REFUSES},
	{"auth sufficient pam_unix.so\nauth substack inner\n" END, PAM_ADMITS, PAM_REFUSES},
};

static void answers_as_pam_does(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(stacks); i++) {
		_cleanup_arena_ struct arena arena = {0};
		_cleanup_buf_ struct buf text = BUF(1u << 20);
		struct pam_stack stack;
		struct host *host;
		struct err err;

		recording_write_header(&text, true, true, 1767225600);
		recording_write(&text, "list", "/etc/pam.d", 0, (struct str){"iinner\0isshd", 13});
		recording_write(&text, "read", "/etc/pam.d/inner", 0,
						STR("auth sufficient pam_unix.so\nauth requisite pam_deny.so\n"));
		recording_write(&text, "read", "/etc/pam.d/sshd", 0, str_of(stacks[i].lines));
		host = host_open_recording(buf_get(&text), ENOENT, &err);
		assert_non_null(host);
		assert_int_equal(pam_read(host, &arena, &stack, &err), 0);
		if (pam_try_password(&stack, "sshd", true) != stacks[i].right ||
			pam_try_password(&stack, "sshd", false) != stacks[i].wrong)
			fail_msg("%s", stacks[i].lines);
		host_free(host);
	}
}

/* For tests/host/test_generated_pam.py: what each tree's service `generated` would answer. */
static int answer_trees(char **roots)
{
	static const char *const words[] = {
		[PAM_REFUSES] = "refuses", [PAM_ADMITS] = "admits", [PAM_UNSURE] = "unsure"};

	for (; *roots; roots++) {
		_cleanup_arena_ struct arena arena = {0};
		struct pam_stack stack = {0};
		struct err err = {0};
		struct host *host = host_open(*roots, &err);

		if (!host || pam_read(host, &arena, &stack, &err) < 0) {
			fprintf(stderr, "%s: %s\n", *roots, err.msg);
			return 1;
		}
		printf("%s %s\n", words[pam_try_password(&stack, "generated", true)],
			   words[pam_try_password(&stack, "generated", false)]);
		host_free(host);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return answer_trees(argv + 1);

	const struct CMUnitTest tests[] = {cmocka_unit_test(answers_as_pam_does)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
