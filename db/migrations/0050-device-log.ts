import type { Migration } from '../migration.ts'

export const migration: Migration = {
  version: 50,
  update: (file) => {
    file.exec(`
      -- Each time that the log of a YubiHSM was taken out of it, docs/formats/device-log.md.
      CREATE TABLE device_drain (
        id INTEGER PRIMARY KEY CHECK (id > 0),
        -- As PKCS#11 gives it: decimal, at least 8 digits.
        device_serial TEXT NOT NULL CHECK (length(device_serial) BETWEEN 8 AND 10 AND device_serial NOT GLOB '*[^0-9]*'),
        -- Last entry of the audit log before the device was asked, and when its answer was stored.
        asked_seq INTEGER NOT NULL CHECK (asked_seq >= 0),
        stored_seq INTEGER NOT NULL CHECK (stored_seq >= asked_seq),
        asked_at TEXT NOT NULL CHECK (length(asked_at) = 24),
        stored_at TEXT NOT NULL CHECK (length(stored_at) = 24),
        unlogged_boots INTEGER NOT NULL CHECK (unlogged_boots BETWEEN 0 AND 65535),
        unlogged_authentications INTEGER NOT NULL CHECK (unlogged_authentications BETWEEN 0 AND 65535),
        -- Entries in the answer, and how many of them were stored already.
        given INTEGER NOT NULL CHECK (given BETWEEN 0 AND 64),
        known INTEGER NOT NULL CHECK (known BETWEEN 0 AND given)
      ) STRICT;
      CREATE INDEX device_drain_serial ON device_drain (device_serial, id);
      CREATE TRIGGER device_drain_no_update BEFORE UPDATE ON device_drain
      BEGIN SELECT RAISE(ABORT, 'device-log-append-only: drains are never changed'); END;
      CREATE TRIGGER device_drain_no_delete BEFORE DELETE ON device_drain
      BEGIN SELECT RAISE(ABORT, 'device-log-append-only: drains are never deleted'); END;
      CREATE TRIGGER device_drain_next_only BEFORE INSERT ON device_drain
      BEGIN
        SELECT RAISE(ABORT, 'device-log-append-only: only the next drain may be written')
        WHERE NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM device_drain);
        SELECT RAISE(ABORT, 'device-log-append-only: a drain is stored at the head of the audit log')
        WHERE NEW.stored_seq IS NOT (SELECT coalesce(max(seq), 0) FROM audit_entry);
        -- Otherwise an entry could not be said to lie between two drains.
        SELECT RAISE(ABORT, 'device-log-append-only: a drain begins after the one before was stored')
        WHERE NEW.asked_seq < (SELECT stored_seq FROM device_drain WHERE device_serial = NEW.device_serial ORDER BY id DESC LIMIT 1);
      END;

      CREATE TABLE device_entry (
        device_serial TEXT NOT NULL,
        -- Counted from 1 for each device, without gaps, in the order in which the entries came.
        place INTEGER NOT NULL CHECK (place > 0),
        -- The drain that brought it.
        drain INTEGER NOT NULL REFERENCES device_drain (id),
        -- As the device gave it. All that follows repeats parts of it, or is counted from them.
        raw BLOB NOT NULL CHECK (length(raw) = 32),
        number INTEGER NOT NULL CHECK (printf('%04X', number) = hex(substr(raw, 1, 2))),
        command INTEGER NOT NULL CHECK (printf('%02X', command) = hex(substr(raw, 3, 1))),
        target_key INTEGER NOT NULL CHECK (printf('%04X', target_key) = hex(substr(raw, 8, 2))),
        second_key INTEGER NOT NULL CHECK (printf('%04X', second_key) = hex(substr(raw, 10, 2))),
        -- How often the number did not grow: after 65535, and after a reset of the device.
        lap INTEGER NOT NULL CHECK (lap >= 0),
        -- How often the device got power since the first entry that is known.
        boot INTEGER NOT NULL CHECK (boot >= 0),
        PRIMARY KEY (device_serial, place)
      ) STRICT, WITHOUT ROWID;
      -- The digest in it comes from all entries before: no two entries of any devices have the same bytes.
      CREATE UNIQUE INDEX device_entry_once ON device_entry (raw);
      CREATE INDEX device_entry_key ON device_entry (device_serial, target_key, place);
      CREATE INDEX device_entry_drain ON device_entry (drain);
      CREATE TRIGGER device_entry_no_update BEFORE UPDATE ON device_entry
      BEGIN SELECT RAISE(ABORT, 'device-log-append-only: entries are never changed'); END;
      CREATE TRIGGER device_entry_no_delete BEFORE DELETE ON device_entry
      BEGIN SELECT RAISE(ABORT, 'device-log-append-only: entries are never deleted'); END;
      -- REPLACE deletes without firing delete triggers unless recursive_triggers is on, but it cannot get past this one.
      CREATE TRIGGER device_entry_next_only BEFORE INSERT ON device_entry
      BEGIN
        SELECT RAISE(ABORT, 'device-log-append-only: only the next place may be written')
        WHERE NEW.place IS NOT (SELECT coalesce(max(place), 0) + 1 FROM device_entry WHERE device_serial = NEW.device_serial);
        SELECT RAISE(ABORT, 'device-log-append-only: this entry is stored already')
        WHERE EXISTS (SELECT 1 FROM device_entry WHERE raw = NEW.raw);
        SELECT RAISE(ABORT, 'device-log-append-only: an entry comes with the newest drain of its device')
        WHERE NEW.drain IS NOT (SELECT max(id) FROM device_drain WHERE device_serial = NEW.device_serial);
        SELECT RAISE(ABORT, 'device-log-append-only: the drain brought no more entries')
        WHERE (SELECT count(*) FROM device_entry WHERE drain = NEW.drain) >= (SELECT given - known FROM device_drain WHERE id = NEW.drain);
        SELECT RAISE(ABORT, 'device-log-append-only: lap and boot follow from the entry before')
        WHERE NEW.lap IS NOT coalesce((SELECT lap + (NEW.number <= number) FROM device_entry WHERE device_serial = NEW.device_serial ORDER BY place DESC LIMIT 1), 0)
          OR NEW.boot IS NOT coalesce((SELECT boot FROM device_entry WHERE device_serial = NEW.device_serial ORDER BY place DESC LIMIT 1), 0)
            + (hex(substr(NEW.raw, 3, 14)) = '000000FFFF000000000000000000');
      END;
    `)
  },
}
