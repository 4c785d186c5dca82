/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/mqtt.h"

/* What it is called for people, and what came of it. */
static void conclude(struct trial *t, const struct mqtt_broker *b, const char *who,
					 bool by_certificate, enum mqtt_answer answer, const char *why)
{
	if (answer == MQTT_ACCEPTED)
		trial_refuted(t, "%s: lets %s in (%s)", b->name, who, why);
	else if (answer == MQTT_SILENT)
		trial_not_run(t, "%s: its answer to %s shows nothing: %s", b->name, who, why);
	else if (answer == MQTT_REFUSED && by_certificate)
		trial_refuted(t, "%s: talks to %s, though clients have to show a certificate (%s)", b->name,
					  who, why);
	else
		trial_proven(t, "%s: refuses %s: %s", b->name, who, why);
}

static void try_client(struct trial *t, const struct mqtt_broker *b, const char *who,
					   const struct tls_identity *identity)
{
	enum mqtt_answer answer;
	const char *why;
	struct err err;

	if (mqtt_ask(t, b, identity, &answer, &why, &err) < 0)
		trial_not_run(t, "%s: %s cannot be tried: %s", b->name, who, err.msg);
	else
		conclude(t, b, who, b->mutual, answer, why);
}

static void try_broker(struct trial *t, const struct mqtt_broker *b)
{
	_cleanup_identity_ struct tls_identity *stranger = NULL;
	struct err err;

	try_client(t, b, b->tls ? "a client without name and certificate" : "a client without a name",
			   NULL);
	if (!b->mutual)
		return;
	stranger = tls_identity_stranger(&err);
	if (stranger)
		try_client(t, b, "a client with a certificate of another CA", stranger);
	else
		trial_not_run(t, "%s: %s", b->name, err.msg);
}

static void run(struct trial *t)
{
	const struct mqtt_broker *brokers;
	size_t n = mqtt_brokers(t, &brokers);

	for (size_t i = 0; i < n; i++)
		try_broker(t, &brokers[i]);
	if (!n)
		trial_not_run(t, "nothing here listens for MQTT");
}

static const struct experiment services_broker = {
	.name = "services.broker-refuses",
	.title = "The MQTT broker lets nobody in whom it does not know",
	.doc = "A client of MQTT comes without a name; where clients have to show certificates, "
		   "once without one and once with one of another CA",
	.does = "connects to the broker from this host a few times, which it may log",
	.rows = NAMES("I10"),
	.rules = NAMES("mqtt.anonymous", "mqtt.client-certificates", "mqtt.tls"),
	.seconds = 30,
	.tables = NAMES("listeners", "mosquitto"),
	.run = run,
};
EXPERIMENT(services_broker);
