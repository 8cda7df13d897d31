CREATE TABLE "api_key_secrets" (
	"digest" "bytea" PRIMARY KEY NOT NULL,
	"key_id" bigint NOT NULL,
	"ends_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "api_keys_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"client_id" bigint NOT NULL,
	"name" text,
	"display" text NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	"expires_at" timestamp (3) with time zone,
	"scopes" text[],
	"models" text[],
	"requests_per_minute" integer,
	"binding_policy" text DEFAULT 'off' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "clients" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "clients_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"external_id" text NOT NULL,
	"name" text NOT NULL,
	"email" text,
	"status" text DEFAULT 'active' NOT NULL,
	"issuer" text,
	"subject" text,
	"shared_keys" boolean DEFAULT false NOT NULL,
	"settings" text DEFAULT '{}' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "clients_external_id_unique" UNIQUE("external_id"),
	CONSTRAINT "clients_status_known" CHECK ("clients"."status" in ('active', 'suspended')),
	CONSTRAINT "clients_identity_whole" CHECK (("clients"."issuer" is null) = ("clients"."subject" is null))
);
--> statement-breakpoint
CREATE TABLE "device_secrets" (
	"digest" "bytea" PRIMARY KEY NOT NULL,
	"device_pk" bigint NOT NULL,
	"ends_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "devices" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "devices_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"device_id" text NOT NULL,
	"client_id" bigint NOT NULL,
	"name" text,
	"active" boolean DEFAULT true NOT NULL,
	"epoch" integer DEFAULT 1 NOT NULL,
	"binding_policy" text DEFAULT 'off' NOT NULL,
	"assistants" text[],
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp (3) with time zone,
	CONSTRAINT "devices_device_id_unique" UNIQUE("device_id")
);
--> statement-breakpoint
CREATE TABLE "signing_keys" (
	"kid" text PRIMARY KEY NOT NULL,
	"sealed" "bytea" NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"retired_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "vapi_calls" (
	"call_id" text PRIMARY KEY NOT NULL,
	"client_id" bigint NOT NULL,
	"device_pk" bigint NOT NULL,
	"control_url" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_keys" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "provider_keys_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"client_id" bigint,
	"provider" text NOT NULL,
	"version" integer NOT NULL,
	"last4" text NOT NULL,
	"sealed" "bytea" NOT NULL,
	"sealed_data_key" "bytea" NOT NULL,
	"master_key_id" text NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "provider_keys_owner" UNIQUE NULLS NOT DISTINCT("client_id","provider")
);
--> statement-breakpoint
ALTER TABLE "api_key_secrets" ADD CONSTRAINT "api_key_secrets_key_id_api_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."api_keys"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_client_id_clients_id_fk" FOREIGN KEY ("client_id") REFERENCES "public"."clients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "device_secrets" ADD CONSTRAINT "device_secrets_device_pk_devices_id_fk" FOREIGN KEY ("device_pk") REFERENCES "public"."devices"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "devices" ADD CONSTRAINT "devices_client_id_clients_id_fk" FOREIGN KEY ("client_id") REFERENCES "public"."clients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_key_secrets_key" ON "api_key_secrets" USING btree ("key_id");--> statement-breakpoint
CREATE INDEX "api_keys_client" ON "api_keys" USING btree ("client_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "clients_email" ON "clients" USING btree (lower("email")) WHERE "clients"."issuer" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "clients_identity" ON "clients" USING btree ("issuer","subject");--> statement-breakpoint
CREATE INDEX "clients_name" ON "clients" USING btree (lower("name") text_pattern_ops);--> statement-breakpoint
CREATE INDEX "device_secrets_device" ON "device_secrets" USING btree ("device_pk");--> statement-breakpoint
CREATE INDEX "devices_client" ON "devices" USING btree ("client_id","id");--> statement-breakpoint
CREATE INDEX "vapi_calls_created_at" ON "vapi_calls" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "vapi_calls_device" ON "vapi_calls" USING btree ("device_pk");