/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build time: turns the YAML files of the catalogue, the profiles and the maps into one C file of constant node trees, with the
 * same parser that reads a user's rules. Usage: embed OUTPUT CATALOGUE_DIR FILE...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/yaml.h"

static void write_pool(FILE *out, const char *pool, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%d,%s", (signed char)pool[i], i % 24 == 23 ? "\n" : "");
}

static uint32_t write_nodes(FILE *out, const struct yaml *doc, uint32_t pool_base)
{
	for (uint32_t i = 0; i < doc->n_nodes; i++) {
		const struct yaml_node *n = &doc->nodes[i];

		fprintf(out, "{%u,%u,%u,%u,%u,%u,%u,%u},\n", n->kind, n->quoted, n->column, n->line,
				n->text + pool_base, n->text_len, n->child, n->next);
	}
	return doc->n_nodes;
}

/* Of a rule the path below catalogue/, else below the top of the tree. */
static const char *name_of(const char *path)
{
	static const char *const folders[] = {"profiles/", "maps/"};
	const char *at = strstr(path, "catalogue/");

	if (at)
		return at + strlen("catalogue/");
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if ((at = strstr(path, folders[i])) != NULL)
			return at;
	return path;
}

int main(int argc, char **argv)
{
	struct arena arena = {0};
	struct yaml *docs;
	uint32_t pool = 0, nodes = 0;
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	FILE *out;

	if (argc < 3)
		return 64;
	out = fopen(argv[1], "w");
	docs = arena_new(&arena, struct yaml, argc);
	if (!out)
		return 1;
	fprintf(out, "/* Made by tools/embed.c. */\n#include \"rule/rule.h\"\n"
				 "const struct yaml_node embedded_nodes[] = {\n");
	for (int i = 3; i < argc; i++) {
		struct str text;
		char *path = realpath(argv[i], NULL);
		struct err err;

		if (!path || path_read(root, path, 1 << 20, &arena, &text) < 0) {
			fprintf(stderr, "%s: cannot be read\n", argv[i]);
			return 1;
		}
		free(path);
		if (yaml_parse(text, argv[i], &arena, &docs[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
		write_nodes(out, &docs[i], pool);
		pool += docs[i].n_pool;
	}
	fprintf(out, "};\nconst char embedded_pool[] = {\n");
	for (int i = 3; i < argc; i++)
		write_pool(out, docs[i].pool, docs[i].n_pool);
	fprintf(out, "0};\nconst struct embedded embedded_rules[] = {\n");
	for (int i = 3; i < argc; i++) {
		fprintf(out, "{\"%s\", %u, %u},\n", name_of(argv[i]), nodes, docs[i].n_nodes);
		nodes += docs[i].n_nodes;
	}
	fprintf(out, "};\nconst size_t embedded_count = %d;\n", argc - 3);
	arena_done(&arena);
	return fclose(out) == 0 ? 0 : 1;
}
