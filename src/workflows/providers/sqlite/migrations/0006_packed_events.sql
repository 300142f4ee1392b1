ALTER TABLE `runs` ADD `pending_from` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `runs_pending` ON `runs` (`run`) WHERE pending_from > 0;