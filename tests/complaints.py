"""What users of other runners complain about in public, and the tests here that would fail if it were so of us.

`tests/hygiene/test_complaints.py` holds every test named here to exist.
"""

from __future__ import annotations

from typing import NamedTuple


class Complaint(NamedTuple):
    where: str  # the public threads
    what: str
    tests: tuple[str, ...]  # FILE::NAME below tests/; "chaos: ROW" is a row of the fault table


COMPLAINTS = (
    Complaint(
        "dstack 817, 1551, 2041, 2346, 2531; Determined 5704; ClearML 311, 535",
        "a link that blinked, or was away for minutes, ended a healthy run",
        (
            "lab/test_runner.py::test_kill_9_of_the_connection_leaves_the_run_going",
            "lab/test_runs_service.py::test_a_run_goes_on_while_nobody_is_connected",
            "chaos: link cut at random bytes",
            "chaos: client stopped, 14 MB behind",
        ),
    ),
    Complaint(
        "SkyPilot 6787, 7680; lnav 904, 940",
        "lost contact removed what was known, or an error stayed that was over",
        (
            "tui/test_watch.py::test_a_lost_link_says_that_the_run_goes_on_and_the_try_has_a_clock_that_moves",
            "tui/test_truth.py::test_an_error_of_the_connection_goes_once_connect_has_succeeded",
            "unit/test_following.py::test_last_seen_is_when_the_link_heard_the_vm",
        ),
    ),
    Complaint(
        "SkyPilot 9246, PR 10024",
        "faults at fixed times met a retry at fixed times, always or never",
        (
            "chaos: link slow and jittering",
            "unit/test_run_reading.py::test_waiting_grows_to_thirty_seconds_and_is_never_the_same_for_all",
        ),
    ),
    Complaint(
        "SkyPilot 7685",
        "a wrong file made the check spin for ever",
        (
            "cli/test_bad_input.py::test_bad_input_is_named_in_two_lines_and_nothing_is_written",
            "unit/test_job_files.py::test_no_yaml_breaks_the_reader",
            "unit/test_job_files_refused.py::test_anchors_that_grow_without_end_are_refused",
        ),
    ),
    Complaint(
        "SkyPilot 1460",
        "without a network it hung",
        (
            "lab/test_ssh_login.py::test_nobody_there_is_said_at_once",
            "lab/test_ssh_login.py::test_a_silent_server_times_out",
            "chaos: link half-open",
        ),
    ),
    Complaint(
        "SkyPilot 6752",
        "--no-follow was ignored",
        ("cli/test_streams.py::test_a_launch_that_is_left_prints_the_id_and_no_log",),
    ),
    Complaint(
        "SkyPilot 2766, 6499",
        "no log to see once the machine had stopped",
        ("chaos: VM rebooted, run followed",),
    ),
    Complaint(
        "SkyPilot PR 10657",
        "each reader of a log left a copy of it on the server's disk",
        ("lab/test_complaints.py::test_reading_a_log_leaves_nothing_on_the_vm",),
    ),
    Complaint(
        "SkyPilot 612, 4294, 4295",
        "seconds to schedule a job or to list them",
        (
            "lab/test_complaints.py::test_listing_takes_as_much_longer_as_there_are_more_runs",
            "lab/test_runner.py::test_the_first_line_of_a_warm_launch_comes_as_soon_as_its_sandbox_allows",
        ),
    ),
    Complaint(
        "SkyPilot 7735; MLflow 1920, 22880; ClearML 117; anemoi 20, 110",
        "without an internet connection it installed nothing, or could not log",
        (
            "lab/test_agent_environments.py::test_nothing_to_install_is_an_environment_too_whatever_the_engine",
            "lab/test_wheelhouse.py::test_a_vm_with_another_python_than_the_clients_builds_and_runs",
            "lab/test_forward.py::test_a_database_locked_to_the_end_keeps_everything_for_the_next_time",
        ),
    ),
    Complaint(
        "dstack 1381, 1636; SkyPilot 7054, PR 5030",
        "keys with a passphrase, a sudo password",
        (
            "lab/test_ssh_login.py::test_an_encrypted_key_asks_for_its_passphrase",
            "lab/test_ssh_login.py::test_the_agent_signs_for_an_encrypted_key",
        ),
    ),
    Complaint(
        "dstack 2010, 2472; SkyPilot 7054",
        "jump hosts",
        (
            "lab/test_ssh_login.py::test_a_jump_host_is_recognised_and_entered_before_the_vm",
            "lab/test_ssh_login.py::test_a_proxy_command_carries_the_connection_and_ends_with_it",
        ),
    ),
    Complaint(
        "dstack 2640; Ray CVE-2023-48022, CVE-2026-27482; MLflow 23500",
        "a service that anybody could reach",
        (
            "lab/test_complaints.py::test_nothing_of_a_run_listens_on_the_vm",
            "lab/test_tracking.py::test_the_socket_may_be_used_by_another_user_and_its_folder_not",
        ),
    ),
    Complaint(
        "dstack 2833; Ray 51601; stern 229",
        "lines lost or repeated where several had the same time, or the stream began anew",
        (
            "unit/test_run_reading.py::test_cut_anywhere_the_text_is_whole_and_offsets_are_bytes",
            "unit/test_run_reading.py::test_bytes_that_come_again_after_a_cut_count_once",
            "lab/test_runs_service.py::test_a_link_cut_in_the_middle_of_the_log_loses_and_doubles_nothing",
        ),
    ),
    Complaint(
        "Ray 57002, 60665; training-gym PR 84; azure-cli 20712, 27363",
        "the stream ended, or froze, without a word, and looked like the end of the run",
        (
            "unit/test_run_reading.py::test_an_end_before_the_whole_log_came_is_an_error",
            "lab/test_runner.py::test_each_line_reaches_its_reader_as_it_is_printed",
        ),
    ),
    Complaint(
        "stern 287, 311",
        "a log that was cut or turned over was followed no more",
        (
            "lab/test_runner.py::test_an_offset_beyond_the_log_is_an_error_that_tells_its_size",
            "unit/test_run_reading.py::test_a_hole_in_the_log_is_said",
        ),
    ),
    Complaint(
        "recommenders 2223",
        "the streamed log was not the downloaded one",
        ("lab/test_runs_service.py::test_following_twice_gives_equal_bytes_and_from_a_byte_the_rest",),
    ),
    Complaint(
        "dstack 262, 715, 2783, 2789",
        "logs kept in memory, gigabytes of it",
        (
            "lab/test_complaints.py::test_a_long_log_is_in_nobodys_memory",
            "lab/test_ssh_link.py::test_a_slow_reader_blocks_nobody",
        ),
    ),
    Complaint(
        "Determined ship_logs; textual 2432",
        "last words, half lines, closed outputs, progress bars",
        (
            "lab/test_complaints.py::test_the_last_words_arrive_however_a_job_ends",
            "lab/test_complaints.py::test_a_progress_bar_is_seen_while_its_line_grows",
            "lab/test_runner.py::test_any_bytes_pass_exactly",
        ),
    ),
    Complaint(
        "dstack 1654; MachineLearningNotebooks 478, 1554; ZenML supervise",
        "running or starting for ever, with no reason",
        (
            "lab/test_runner.py::test_kill_9_of_the_supervisor_is_written_once_and_leaves_nothing_running",
            "lab/test_runner.py::test_a_run_of_another_boot_is_lost_and_its_old_pids_are_left_alone",
            "lab/test_docker.py::test_an_end_that_nobody_saw_is_found_by_the_next_reader",
            "lab/test_docker.py::test_each_end_has_its_line",
            "chaos: supervisor killed",
            "chaos: VM rebooted, launching",
            "chaos: dockerd killed, run followed",
            "chaos: container removed",
        ),
    ),
    Complaint(
        "ZenML get_status; Ray 34318, 41437, 65608",
        "failed, although it had just begun or ended with 0",
        (
            "lab/test_complaints.py::test_a_run_that_was_just_made_is_never_lost_or_failed",
            "lab/test_docker.py::test_while_docker_does_not_answer_nothing_is_concluded",
            "chaos: dockerd away for a while",
        ),
    ),
    Complaint(
        "Ray 31356; runner 510, 4617, 4670",
        "two submissions of the same id failed both, or ran both",
        (
            "lab/test_runner.py::test_a_second_create_finds_the_first_even_at_the_same_time",
            "lab/test_docker.py::test_a_second_create_finds_the_first",
            "chaos: client killed after each step",
            "chaos: client killed at a random byte",
            "chaos: client killed at a random time",
        ),
    ),
    Complaint(
        "dstack 2998, 2068; runner 3690",
        "what an outage or Ctrl-C left behind kept the machine busy",
        (
            "lab/test_queue.py::test_whoever_dies_gives_its_place_to_the_next",
            "lab/test_forward.py::test_a_client_that_vanishes_is_replaced_when_its_lease_ends",
            "lab/test_agent_environments.py::test_cancelling_a_build_ends_its_tree_and_frees_the_lock",
            "cli/test_questions.py::test_an_interrupted_launch_says_how_to_find_out",
        ),
    ),
    Complaint(
        "dstack 1476, PR 2942",
        "the runner was a child of the session, or did not come back after a reboot",
        (
            "lab/test_runner.py::test_kill_9_of_the_connection_leaves_the_run_going",
            "chaos: agent killed, run followed",
            "chaos: VM rebooted, run followed",
        ),
    ),
    Complaint(
        "Determined 8856; runner 2040, 2624, 3539",
        "training starved what watches it",
        ("lab/test_queue.py::test_a_job_gives_way_to_the_agent",),
    ),
    Complaint(
        "Determined containers/manager; ZenML clean-up",
        "containers of others were killed, folders of going runs removed",
        (
            "lab/test_docker.py::test_what_is_not_ours_is_left_alone",
            "lab/test_runs_kept.py::test_a_deleted_run_is_gone_and_one_that_goes_on_is_not_deleted",
        ),
    ),
    Complaint(
        "ZenML minimum_free_disk_gb; gh runner",
        "a full disk, found out in the middle",
        (
            "lab/test_data.py::test_too_little_disk_is_said_before_anything_is_fetched",
            "lab/test_runner.py::test_a_full_disk_ends_the_run_and_its_last_state_is_written",
        ),
    ),
    Complaint(
        "paramiko 448, 1778, 2308",
        "reading one stream after the other dead-locked at 2 MiB",
        ("lab/test_ssh_link.py::test_what_the_agent_complains_about_neither_blocks_nor_shows",),
    ),
    Complaint(
        "MLflow 8238",
        "a retry made ghost runs",
        (
            "contract/test_workspace.py::test_two_processes_make_one_run",
            "contract/test_workspace.py::test_several_threads_make_one_run_and_one_version",
            "chaos: recording client killed",
        ),
    ),
    Complaint(
        "MLflow 1760",
        "the job ended because the tracking server was away",
        ("chaos: workspace gone", "chaos: workspace locked"),
    ),
    Complaint(
        "Ansible 16731, 17532, 78388",
        "a kept connection broke at its expiry, and what was asked was asked twice or called unreachable",
        (
            "lab/test_ssh_link.py::test_a_connection_cut_in_mid_call_is_link_lost_and_the_next_agent_is_new",
            "lab/test_runs_service.py::test_a_run_whose_creation_was_not_confirmed_is_started_once",
        ),
    ),
    Complaint(
        "submitit checkpoints; Azure Stack Hub takes GPU machines down",
        "a run that was ended had to begin from nothing",
        (
            "lab/test_runner.py::test_cancel_lets_a_job_that_listens_tidy_up",
            "lab/test_runs_kept.py::test_a_rerun_that_resumes_begins_with_the_checkpoints",
        ),
    ),
    Complaint(
        "ClearML 159, 311; SkyPilot FAILED_DRIVER",
        "my failure and the infrastructure's looked the same",
        (
            "lab/test_runs_service.py::test_a_failing_command_is_a_failed_run_not_an_exception",
            "cli/test_errors.py::test_exit_codes",
        ),
    ),
    Complaint(
        "azure-cli 26931",
        "runs could not be listed by their state",
        ("cli/test_streams.py::test_runs_are_listed_by_state_and_experiment",),
    ),
    Complaint(
        "azure-docs 70302",
        "which packages does the VM need?",
        (
            "unit/test_agent_runs.py::test_the_reason_for_no_sandbox_says_what_to_do",
            "lab/test_ssh_link.py::test_no_python_is_one_clear_error",
        ),
    ),
    Complaint(
        "wandb 440, 3693, 3726, 10804; wandb PR 11537",
        "metrics without a log scale, smoothing or zoom, or no way to find one among hundreds",
        (
            "unit/test_plot.py::test_a_log_scale_shows_decades_alike_and_leaves_out_what_has_no_place",
            "unit/test_series.py::test_smoothing_is_the_corrected_moving_average_however_it_is_sliced",
            "tui/test_metrics.py::test_a_walk_through_the_metrics_by_keys",
            "tui/test_metrics.py::test_curves_are_chosen_in_a_list_with_a_filter",
        ),
    ),
    Complaint(
        "shopware-cli 1380, 1424",
        "a step that failed offered nothing but to quit",
        ("tui/test_errors.py::test_the_error_of_every_step_offers_retry_edit_and_a_copy_without_secrets",),
    ),
    Complaint(
        "k9s 2835; lazysql 26",
        "a key could not be found, or did nothing and said nothing",
        (
            "tui/test_keys.py::test_every_key_does_something_or_says_why_not",
            "tui/test_keys.py::test_a_key_that_nobody_has_says_so_once_in_a_while",
            "tui/test_manners.py::test_the_footer_has_at_most_six_keys_and_fits_80_columns",
        ),
    ),
    Complaint(
        "lazydocker 627; k9s 3789; opencode 16962; jcode 505",
        "what ran was not shown; what was said to be copied was not",
        (
            "tui/test_errors.py::test_commands_are_filtered_and_copied_one_by_one_or_all",
            "tui/test_errors.py::test_a_report_that_cannot_be_saved_is_still_copied",
        ),
    ),
    Complaint(
        "lazygit 508; k9s 1234, PR 4104",
        "it could not be read on a light terminal, or by red against green",
        (
            "tui/test_settings.py::test_words_can_be_read_on_every_ground_that_they_stand_on",
            "tui/test_settings.py::test_no_status_of_blue_and_orange_is_told_by_red_against_green",
            "unit/test_incoming.py::test_no_answer_is_a_key_wherever_it_is_cut",
        ),
    ),
    Complaint(
        "harlequin 229, 826; Textual 5503",
        "a key that the terminal takes for itself could not be changed",
        ("tui/test_settings.py::test_a_key_is_changed_by_pressing_it_and_shows_in_footer_help_and_palette",),
    ),
    Complaint(
        "toot 400; pythonlings 79; gwm-cli 188",
        "a small terminal, or a new size in the midst of work",
        ("tui/test_sizes.py::test_what_goes_on_and_what_was_typed_outlives_every_size",),
    ),
)
