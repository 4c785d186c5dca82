/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/mqtt.h"

/* What only the CA of the devices can make is given by whoever has it. */
#define GIVEN "/etc/revet/prove/mqtt-"
#define VALID GIVEN "valid.pem"

static const struct given {
	const char *what, *path;
} given[] = {{"expired", GIVEN "expired.pem"}, {"revoked", GIVEN "revoked.pem"}};

/* Refusing all would show nothing. */
static bool takes_valid(struct trial *t, const struct mqtt_broker *b)
{
	struct err err;
	_cleanup_identity_ struct tls_identity *valid =
		tls_identity_read(t->place.root_fd, VALID, &err);
	enum mqtt_answer answer = MQTT_SILENT;
	const char *why = NULL;

	if (!valid || mqtt_ask(t, b, valid, &answer, &why, &err) < 0)
		trial_not_run(t, "%s: a valid certificate, which has to be let in, cannot be tried: %s",
					  b->name, err.msg);
	else if (answer == MQTT_CERTIFICATE || answer == MQTT_SILENT)
		trial_not_run(t,
					  "%s: the certificate in " VALID
					  " is refused, so that it shows nothing that others "
					  "are: %s",
					  b->name, why);
	else
		return true;
	return false;
}

static void try_given(struct trial *t, const struct mqtt_broker *b, const struct given *g)
{
	struct err err;
	_cleanup_identity_ struct tls_identity *identity =
		tls_identity_read(t->place.root_fd, g->path, &err);
	enum mqtt_answer answer = MQTT_SILENT;
	const char *why = NULL;

	if (!identity && err.errnum == ENOENT)
		trial_not_run(
			t,
			"%s: an %s certificate is not tried: only the CA of the devices can make one; "
			"with its key it goes to %s",
			b->name, g->what, g->path);
	else if (!identity || mqtt_ask(t, b, identity, &answer, &why, &err) < 0)
		trial_not_run(t, "%s: an %s certificate cannot be tried: %s", b->name, g->what, err.msg);
	else if (answer == MQTT_CERTIFICATE)
		trial_proven(t, "%s: refuses the %s certificate: %s", b->name, g->what, why);
	else if (answer == MQTT_SILENT)
		trial_not_run(t, "%s: its answer to the %s certificate shows nothing: %s", b->name, g->what,
					  why);
	else
		trial_refuted(t, "%s: takes the %s certificate (%s)", b->name, g->what, why);
}

static void run(struct trial *t)
{
	const struct mqtt_broker *brokers;
	size_t n = mqtt_brokers(t, &brokers), mutual = 0;

	for (size_t i = 0; i < n; i++) {
		if (!brokers[i].mutual)
			continue;
		mutual++;
		if (access(given[0].path, F_OK) == 0 || access(given[1].path, F_OK) == 0)
			if (!takes_valid(t, &brokers[i]))
				continue;
		for (size_t k = 0; k < ARRAY_LEN(given); k++)
			try_given(t, &brokers[i], &given[k]);
	}
	if (!mutual)
		trial_not_run(t, "no broker here has clients show certificates");
}

static const struct experiment services_broker_revoked = {
	.name = "services.broker-refuses-revoked",
	.title = "The MQTT broker refuses certificates that have expired or are revoked",
	.doc = "A client of MQTT shows the certificates " GIVEN
		   "expired.pem and revoked.pem (each with its key), and " VALID ", which has to be taken",
	.does = "connects to the broker from this host a few times, which it may log",
	.rows = NAMES("I10"),
	.rules = NAMES("mqtt.revocation", "mqtt.client-certificates"),
	.seconds = 30,
	.tables = NAMES("listeners", "mosquitto"),
	.run = run,
};
EXPERIMENT(services_broker_revoked);
