/* SPDX-License-Identifier: Apache-2.0 */
/* ask_pam DIRECTORY...: what libpam answers for the service `generated` to the password "right" and to
 * another one, where DIRECTORY/etc/pam.d stands in the place of /etc/pam.d (pam_start_confdir() would do
 * for all but @include). The library is the host's own. For test_generated_pam.py. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAM_FAIL_DELAY 10
#define PAM_PROMPT_ECHO_ON 2

struct pam_message {
	int style;
	const char *text;
};
struct pam_response {
	char *answer;
	int code;
};
struct pam_conv {
	int (*ask)(int n, const struct pam_message **, struct pam_response **, void *);
	void *data;
};

static int ask(int n, const struct pam_message **messages, struct pam_response **ret,
			   void *password)
{
	*ret = calloc((size_t)n, sizeof(**ret));
	for (int i = 0; *ret && i < n; i++)
		if (messages[i]->style <= PAM_PROMPT_ECHO_ON)
			(*ret)[i].answer = strdup(password);
	return *ret ? 0 : 5;
}

static void no_delay(int status, unsigned microseconds, void *data)
{
	(void)status, (void)microseconds, (void)data;
}

int main(int argc, char **argv)
{
	void *pam = dlopen("libpam.so.0", RTLD_NOW | RTLD_GLOBAL);
	int (*start)(const char *, const char *, const struct pam_conv *, void **) = NULL;
	int (*set)(void *, int, void (*)(int, unsigned, void *)) = NULL;
	int (*authenticate)(void *, int) = NULL, (*end)(void *, int) = NULL;

	if (pam) {
		*(void **)&start = dlsym(pam, "pam_start");
		*(void **)&set = dlsym(pam, "pam_set_item");
		*(void **)&authenticate = dlsym(pam, "pam_authenticate");
		*(void **)&end = dlsym(pam, "pam_end");
	}
	if (!start || !set || !authenticate || !end)
		return 1;
	for (int i = 1; i < argc; i++) {
		char directory[4096];

		snprintf(directory, sizeof(directory), "%s/etc/pam.d", argv[i]);
		unlink("/etc/pam.d");
		if (symlink(directory, "/etc/pam.d") < 0)
			return 1;
		for (int right = 1; right >= 0; right--) {
			struct pam_conv conv = {ask, right ? "right" : "wrong"};
			void *handle = NULL;
			int r = start("generated", "ops", &conv, &handle);

			if (r == 0) {
				set(handle, PAM_FAIL_DELAY, no_delay);
				r = authenticate(handle, 0);
				end(handle, r);
			}
			printf("%d%c", r, right ? ' ' : '\n');
		}
	}
	return 0;
}
