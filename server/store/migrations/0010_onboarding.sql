CREATE TABLE "onboarding_sessions" (
	"client_id" bigint PRIMARY KEY NOT NULL,
	"current_step" smallint DEFAULT 1 NOT NULL,
	"steps" text DEFAULT '{}' NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"completed_at" timestamp (3) with time zone
);
