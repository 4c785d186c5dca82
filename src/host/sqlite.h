/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a database of SQLite, by its own library, which is loaded when there is one to read. Nothing
 * is locked or written, and a query that takes too long is given up: the schema is the file's own and may
 * hold anything.
 */
#ifndef REVET_HOST_SQLITE_H
#define REVET_HOST_SQLITE_H

#include "base/err.h"
#include "base/str.h"

#define SQLITE_MAX_COLUMNS 8

/* Calls back for each row that the query gives, with its first n columns as bytes: numbers in digits, NULL
 * absent; they last for the call. What it returns below 0 ends it. -ENOENT: there is no such file. */
int sqlite_each(int root_fd, const char *path, const char *sql, size_t n,
				int (*each)(const struct str *columns, void *data), void *data, struct err *err);

#endif
