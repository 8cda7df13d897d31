CREATE TABLE "usage_events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "usage_events_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"created_at" timestamp (3) with time zone NOT NULL,
	"client_id" bigint NOT NULL,
	"request_id" text NOT NULL,
	"credential" text NOT NULL,
	"endpoint" text NOT NULL,
	"provider" text,
	"model" text,
	"method" text NOT NULL,
	"status" smallint NOT NULL,
	"duration_ms" integer NOT NULL,
	"bytes_in" bigint NOT NULL,
	"bytes_out" bigint NOT NULL,
	"tokens_in" bigint,
	"tokens_out" bigint,
	"tokens_cached" bigint,
	"unit_price_micros" bigint,
	"cost_micros" bigint NOT NULL,
	"provider_cost_micros" bigint,
	"flags" text[] NOT NULL
);
--> statement-breakpoint
CREATE INDEX "usage_events_created_at" ON "usage_events" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "usage_events_seq" ON "usage_events" USING brin ("seq");--> statement-breakpoint
-- A week of one client is one range of this index, and its sums are read from the index alone.
CREATE INDEX "usage_events_client" ON "usage_events" USING btree ("client_id","created_at","id") INCLUDE ("endpoint","cost_micros");--> statement-breakpoint
CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$;--> statement-breakpoint
CREATE TRIGGER "usage_events_never_change" BEFORE UPDATE ON "usage_events" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
