CREATE TABLE "alert_files" (
	"alert_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"filename" text NOT NULL,
	"content_type" text NOT NULL,
	"content" "bytea" NOT NULL,
	CONSTRAINT "alert_files_alert_id_position_pk" PRIMARY KEY("alert_id","position")
);
--> statement-breakpoint
CREATE TABLE "alerts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"client_id" bigint NOT NULL,
	"camera_id" text NOT NULL,
	"risk_level" text NOT NULL,
	"incident_type" text,
	"analysis" text NOT NULL,
	"state" text NOT NULL,
	"recipient" text,
	"attachment" text,
	"clip_ms" integer,
	"clip_frames" integer,
	"created_at" timestamp (3) with time zone NOT NULL,
	"sent_at" timestamp (3) with time zone,
	CONSTRAINT "alerts_state" CHECK ("alerts"."state" in ('queued', 'sent', 'failed', 'suppressed')),
	CONSTRAINT "alerts_risk_level" CHECK ("alerts"."risk_level" in ('LOW', 'MEDIUM', 'HIGH')),
	CONSTRAINT "alerts_attachment" CHECK ("alerts"."attachment" in ('clip', 'key_frames', 'none'))
);
--> statement-breakpoint
ALTER TABLE "alert_files" ADD CONSTRAINT "alert_files_alert_id_alerts_id_fk" FOREIGN KEY ("alert_id") REFERENCES "public"."alerts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "alerts_client" ON "alerts" USING btree ("client_id","id");--> statement-breakpoint
CREATE INDEX "alerts_client_camera" ON "alerts" USING btree ("client_id","camera_id","created_at");--> statement-breakpoint
CREATE INDEX "alerts_created" ON "alerts" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "alerts_queued" ON "alerts" USING btree ("created_at") WHERE state = 'queued';