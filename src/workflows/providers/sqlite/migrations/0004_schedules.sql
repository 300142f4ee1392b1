CREATE TABLE `schedule_actions` (
	`schedule` integer NOT NULL,
	`action` integer NOT NULL,
	`scheduled_time` integer NOT NULL,
	`start_time` integer NOT NULL,
	`workflow_id` text NOT NULL,
	`run_id` text NOT NULL,
	`open` integer NOT NULL,
	PRIMARY KEY(`schedule`, `action`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `schedule_actions_open` ON `schedule_actions` (`schedule`,`action`) WHERE open = 1;--> statement-breakpoint
CREATE TABLE `schedule_buffer` (
	`schedule` integer NOT NULL,
	`position` integer NOT NULL,
	`scheduled_time` integer NOT NULL,
	`manual` integer NOT NULL,
	PRIMARY KEY(`schedule`, `position`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `schedules` (
	`schedule` integer PRIMARY KEY NOT NULL,
	`schedule_id` text NOT NULL,
	`declared_by` text,
	`request_id` text,
	`definition` blob NOT NULL,
	`paused` integer NOT NULL,
	`note` text NOT NULL,
	`remaining` integer,
	`next` integer,
	`due` integer,
	`last_action` integer NOT NULL,
	`last_buffered` integer NOT NULL,
	`create_time` integer NOT NULL,
	`update_time` integer NOT NULL,
	`actions` integer NOT NULL,
	`missed_catchup` integer NOT NULL,
	`overlap_skipped` integer NOT NULL,
	`buffer_dropped` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `schedules_id` ON `schedules` (`schedule_id`);--> statement-breakpoint
CREATE INDEX `schedules_due` ON `schedules` (`due`) WHERE due IS NOT NULL;--> statement-breakpoint
CREATE INDEX `schedules_declared` ON `schedules` (`declared_by`) WHERE declared_by IS NOT NULL;--> statement-breakpoint
ALTER TABLE `activities` ADD `last_failure` blob;--> statement-breakpoint
CREATE INDEX `runs_entry_status` ON `runs` (`entry`,`status`,`run`);--> statement-breakpoint
CREATE INDEX `runs_status_start` ON `runs` (`status`,`start_time`,`run`);--> statement-breakpoint
CREATE INDEX `runs_entry_start` ON `runs` (`entry`,`start_time`,`run`);