CREATE SEQUENCE "public"."binding_version" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "audit_head" (
	"id" smallint PRIMARY KEY NOT NULL,
	"pruned_id" bigint NOT NULL,
	"pruned_mac" "bytea" NOT NULL,
	"last_id" bigint NOT NULL,
	"last_mac" "bytea" NOT NULL,
	"mac" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" bigint PRIMARY KEY NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"actor" text NOT NULL,
	"address" text,
	"action" text NOT NULL,
	"target" text,
	"before" text NOT NULL,
	"after" text NOT NULL,
	"mac" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"key" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "archived_bindings" (
	"id" bigint PRIMARY KEY NOT NULL,
	"digest" "bytea" NOT NULL,
	"token_display" text NOT NULL,
	"mode" text NOT NULL,
	"allowed_ips" text[] NOT NULL,
	"client_id" bigint,
	"first_used_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"archived_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "binding_ranges" (
	"binding_id" bigint NOT NULL,
	"range" "cidr" NOT NULL,
	CONSTRAINT "binding_ranges_binding_id_range_pk" PRIMARY KEY("binding_id","range")
);
--> statement-breakpoint
CREATE TABLE "bindings" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "bindings_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" "bytea" NOT NULL,
	"token_display" text NOT NULL,
	"mode" text NOT NULL,
	"allowed_ips" text[] NOT NULL,
	"client_id" bigint,
	"first_used_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"version" bigint DEFAULT nextval('binding_version') NOT NULL,
	"provisional" boolean DEFAULT false NOT NULL,
	CONSTRAINT "bindings_digest_unique" UNIQUE("digest"),
	CONSTRAINT "bindings_mode_known" CHECK ("bindings"."mode" in ('single', 'multiple', 'all')),
	CONSTRAINT "bindings_status_known" CHECK ("bindings"."status" in ('active', 'banned'))
);
--> statement-breakpoint
CREATE TABLE "daily_counts" (
	"date" date PRIMARY KEY NOT NULL,
	"requests" bigint NOT NULL,
	"allowed" bigint NOT NULL,
	"intercepted" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "intercepts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"token_display" text NOT NULL,
	"client_ip" "inet" NOT NULL,
	"allowed_ips" text[] NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"reason" text NOT NULL,
	"alerted" boolean NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"request_id" text NOT NULL,
	"count" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "admin_account" (
	"id" smallint PRIMARY KEY NOT NULL,
	"password_hash" text NOT NULL,
	"epoch" integer DEFAULT 1 NOT NULL,
	"changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"id" smallint PRIMARY KEY NOT NULL,
	"pepper_fingerprint" text NOT NULL,
	"master_key_fingerprint" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "binding_ranges" ADD CONSTRAINT "binding_ranges_binding_id_bindings_id_fk" FOREIGN KEY ("binding_id") REFERENCES "public"."bindings"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_log_action" ON "audit_log" USING btree ("action","id");--> statement-breakpoint
CREATE INDEX "archived_bindings_archived_at" ON "archived_bindings" USING btree ("archived_at");--> statement-breakpoint
CREATE INDEX "binding_ranges_cover" ON "binding_ranges" USING gist ("range" inet_ops);--> statement-breakpoint
CREATE INDEX "bindings_token_display" ON "bindings" USING btree ("token_display" text_pattern_ops);--> statement-breakpoint
CREATE INDEX "bindings_status" ON "bindings" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "bindings_mode" ON "bindings" USING btree ("mode","id");--> statement-breakpoint
CREATE INDEX "intercepts_created_at" ON "intercepts" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "intercepts_token_display" ON "intercepts" USING btree ("token_display" text_pattern_ops,"created_at");--> statement-breakpoint
CREATE INDEX "intercepts_client_ip" ON "intercepts" USING gist ("client_ip" inet_ops);