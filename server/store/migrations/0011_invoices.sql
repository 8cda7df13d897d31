CREATE TABLE "billing_runs" (
	"week" text PRIMARY KEY NOT NULL,
	"finished_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "invoice_lines" (
	"client_id" bigint NOT NULL,
	"invoice_id" bigint NOT NULL,
	"position" integer NOT NULL,
	"endpoint" text,
	"provider" text,
	"model" text,
	"quantity" bigint NOT NULL,
	"unit_price_micros" bigint,
	"total_micros" bigint NOT NULL,
	CONSTRAINT "invoice_lines_invoice_id_position_pk" PRIMARY KEY("invoice_id","position")
);
--> statement-breakpoint
CREATE TABLE "invoices" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "invoices_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"client_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"week" text NOT NULL,
	"sequence" integer NOT NULL,
	"number" text NOT NULL,
	"is_final" boolean NOT NULL,
	"state" text NOT NULL,
	"calls" bigint NOT NULL,
	"total_micros" bigint NOT NULL,
	"tax_micros" bigint NOT NULL,
	"due_micros" bigint NOT NULL,
	"issued_at" timestamp (3) with time zone NOT NULL,
	"due_on" date NOT NULL,
	"document" text NOT NULL,
	"cancels" text,
	"mail_queued_at" timestamp (3) with time zone,
	"sent_at" timestamp (3) with time zone,
	"mail_error" text,
	"paid_on" date,
	"paid_reference" text,
	CONSTRAINT "invoices_number_unique" UNIQUE("number"),
	CONSTRAINT "invoices_cancels_unique" UNIQUE("cancels"),
	CONSTRAINT "invoices_kind_known" CHECK ("invoices"."kind" in ('invoice', 'credit_note')),
	CONSTRAINT "invoices_state_known" CHECK ("invoices"."state" in ('issued', 'sent', 'paid', 'void')),
	CONSTRAINT "invoices_cancels" CHECK (("invoices"."kind" = 'credit_note') = ("invoices"."cancels" is not null))
);
--> statement-breakpoint
CREATE TABLE "payment_details" (
	"client_id" bigint PRIMARY KEY NOT NULL,
	"details" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_settled" (
	"client_id" bigint PRIMARY KEY NOT NULL,
	"created_before" timestamp (3) with time zone NOT NULL,
	"seq_up_to" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_settled_floor" (
	"id" smallint PRIMARY KEY NOT NULL,
	"created_before" timestamp (3) with time zone NOT NULL,
	"seq_up_to" bigint NOT NULL,
	CONSTRAINT "usage_settled_floor_single" CHECK ("usage_settled_floor"."id" = 1)
);
--> statement-breakpoint
ALTER TABLE "invoice_lines" ADD CONSTRAINT "invoice_lines_invoice_id_invoices_id_fk" FOREIGN KEY ("invoice_id") REFERENCES "public"."invoices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "invoices_sequence" ON "invoices" USING btree ("week","sequence");--> statement-breakpoint
CREATE UNIQUE INDEX "invoices_once" ON "invoices" USING btree ("client_id","week","is_final") WHERE "invoices"."kind" = 'invoice';--> statement-breakpoint
CREATE INDEX "invoices_client" ON "invoices" USING btree ("client_id","id");--> statement-breakpoint
CREATE INDEX "invoices_week" ON "invoices" USING btree ("week","id");--> statement-breakpoint
CREATE INDEX "invoices_state" ON "invoices" USING btree ("state","id");--> statement-breakpoint
CREATE INDEX "invoices_unmailed" ON "invoices" USING btree ("id") WHERE "invoices"."mail_queued_at" is null;