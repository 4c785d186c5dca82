/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server of Apache answers to requests: sends the client elsewhere, turns it away, or gives
 * files or what an application says.
 */
#ifndef REVET_HOST_APACHE_ANSWER_H
#define REVET_HOST_APACHE_ANSWER_H

#include "host/apache_section.h"

/* Does the prefix or the expression fit every request? */
bool apache_is_all(struct str pattern);
/* Does the server send every request on to https? */
bool apache_redirects_all(const struct apache *, const struct directive *server);
/* Appends where requests are passed on to, anywhere in the block; "code" for what Apache runs. */
void apache_passes(struct arena *, const struct directive *block, struct web_list *ret);
/* Who is let in to the whole server. */
enum apache_access apache_root_access(const struct directive *server);
/* redirect, refused, application or files; passes: what apache_passes() has found. */
const char *apache_plain_answer(const struct apache *, const struct directive *server,
								const struct web_list *passes);

#endif
