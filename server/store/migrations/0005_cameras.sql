CREATE TABLE "cameras" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cameras_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"client_id" bigint NOT NULL,
	"camera_id" text NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "cameras_camera_id_form" CHECK ("cameras"."camera_id" ~ '^[A-Za-z0-9_-]{1,64}$')
);
--> statement-breakpoint
CREATE UNIQUE INDEX "cameras_client_camera" ON "cameras" USING btree ("client_id","camera_id");--> statement-breakpoint
CREATE INDEX "cameras_last_seen" ON "cameras" USING btree ("last_seen_at");