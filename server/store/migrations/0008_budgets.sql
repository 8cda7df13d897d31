CREATE TABLE "budget_members" (
	"member" uuid PRIMARY KEY NOT NULL,
	"seen_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "budget_warnings" (
	"client_id" bigint NOT NULL,
	"period" text NOT NULL,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"warned_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "budget_warnings_client_id_period_starts_at_pk" PRIMARY KEY("client_id","period","starts_at")
);
