/* SPDX-License-Identifier: Apache-2.0 */
#include "host/command.h"

#include <ctype.h>

/* Where a word of a shell command ends. */
static bool ends_word(char c)
{
	return isspace((unsigned char)c) || strchr(";|&()<>\"'`$", c);
}

struct str command_next_path(struct str *command)
{
	for (size_t i = 0; i < command->n; i++) {
		const char *p = command->p + i;
		size_t end = i, before = i;

		if (*p != '/' || (i && !ends_word(p[-1])))
			continue;
		while (end < command->n && !ends_word(command->p[end]))
			end++;
		while (before && isspace((unsigned char)command->p[before - 1]))
			before--;
		if (end - i > 1 && end - i < 4096 && !(before && command->p[before - 1] == '>')) {
			*command = (struct str){command->p + end, command->n - end};
			return (struct str){p, end - i};
		}
		i = end;
	}
	*command = STR("");
	return STR_ABSENT;
}

bool command_is_script(struct str path)
{
	static const char *const suffixes[] = {".sh",  ".py", ".pl",  ".rb",
										   ".php", ".js", ".mjs", ".jar"};

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_ends(path, suffixes[i]) && path.n > strlen(suffixes[i]))
			return true;
	return false;
}
