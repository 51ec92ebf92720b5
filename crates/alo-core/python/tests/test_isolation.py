"""What one step does to the process must not reach the next one; and child processes of an asset."""

import unittest

from tests.engine import WorkerTest, asset


class Isolation(WorkerTest):
    def test_two_steps_see_their_own_utils(self):
        for step in ("one", "two"):
            code = "import utils\nfrom lib import part\n" + asset("self.data[utils.NAME] = part.NAME")
            self.engine.write(step, **{"asset_" + step: code, "utils": "NAME = %r\n" % step})
            self.engine.write(step + "/lib", part="NAME = 'part of %s'\n" % step)
        self.engine.write(
            "check",
            asset_check=asset(
                "import sys",
                "assert self.data == {'one': 'part of one', 'two': 'part of two'}, self.data",
                "assert not {'utils', 'lib', 'lib.part', 'asset_one'} & set(sys.modules), sorted(sys.modules)",
            ),
        )
        self.assert_finished(self.engine.run("one"))
        self.assert_finished(self.engine.run("two", new_pipeline=False))
        self.assert_finished(self.engine.run("check", new_pipeline=False))

    def test_an_installed_module_of_the_same_name_gives_way(self):
        self.engine.write("site-packages", shared="KIND = 'installed'\n")
        self.engine.write(
            "one",
            asset_one="import sys\nsys.path.append(%r)\nimport shared\n" % (self.engine.project + "/site-packages")
            + asset("self.data['one'] = shared.KIND"),
        )
        self.engine.write(
            "two", asset_two="import shared\n" + asset("self.data['two'] = shared.KIND"), shared="KIND = 'own'\n"
        )
        self.engine.write(
            "three",
            asset_three="import shared\n"
            + asset(
                "self.data['three'] = shared.KIND",
                "assert self.data == {'one': 'installed', 'two': 'own', 'three': 'installed'}, self.data",
            ),
        )
        self.assert_finished(self.engine.run("one"))
        self.assert_finished(self.engine.run("two", new_pipeline=False))
        self.assert_finished(self.engine.run("three", new_pipeline=False))

    def test_the_same_folder_runs_again_as_it_is_then(self):
        self.engine.write("one", asset_one="import utils\n" + asset("self.data['v'] = utils.V"), utils="V = 1\n")
        self.engine.write("check", asset_check=asset("assert self.data == {'v': 22}, self.data"))
        self.assert_finished(self.engine.run("one"))
        self.engine.write("one", utils="V = 22\n")
        self.assert_finished(self.engine.run("one"))
        self.assert_finished(self.engine.run("check", new_pipeline=False))

    def test_path_entries_of_a_step_go_with_it(self):
        self.engine.write(
            "one",
            asset_one="import os, sys\nhere = os.path.dirname(os.path.abspath(__file__))\n"
            "sys.path += [here, here + '/sub', '/somewhere/else', here + '/../beside', here + '/../one', here + '//./sub']\n"
            "sys.path.insert(0, here)\n" + asset(),
        )
        self.engine.write(
            "check",
            asset_check=asset(
                "import os, sys",
                "own = os.path.dirname(__file__)",
                "assert sys.path[0] == own and not [p for p in sys.path if p.endswith(('/one', '/one/sub'))], sys.path",
                "assert '/somewhere/else' in sys.path",
                "assert [p for p in sys.path if p.endswith('/one/../beside')], sys.path",
                "assert sys.argv == [__file__] and __name__ == 'asset_check', (sys.argv, __name__)",
            ),
        )
        self.assert_finished(self.engine.run("one"))
        self.assert_finished(self.engine.run("check"))

    def test_a_failed_step_leaves_nothing_either(self):
        self.engine.write("one", asset_one="import utils\nraise RuntimeError\n", utils="")
        self.engine.write(
            "check",
            asset_check=asset("import sys", "assert 'utils' not in sys.modules and 'asset_one' not in sys.modules"),
        )
        self.assert_failed(self.engine.run("one"), stage="import")
        self.assert_finished(self.engine.run("check"))

    def test_every_step_starts_in_the_project(self):
        self.engine.write("one", asset_one=asset("import os, tempfile", "os.chdir(tempfile.gettempdir())"))
        self.engine.write(
            "check", asset_check=asset("import os", "assert os.getcwd() == %r, os.getcwd()" % self.engine.project)
        )
        self.assert_finished(self.engine.run("one"))
        self.assert_finished(self.engine.run("check"))

    def test_names_of_ours_hide_none_of_the_asset_s(self):
        self.engine.write(
            "one",
            asset_one="import worker, tests\n" + asset("assert (worker.W, tests.T) == (1, 2)"),
            worker="W = 1\n",
            tests="T = 2\n",
        )
        self.assert_finished(self.engine.run("one"))

    def test_standard_input_is_empty_and_the_socket_is_not_handed_on(self):
        self.engine.write(
            "one",
            asset_one=asset(
                "import os, subprocess, sys",
                "assert sys.stdin.read() == ''",
                "listed = subprocess.run(['ls', '-l', '/proc/self/fd'], stdout=subprocess.PIPE, close_fds=False).stdout",
                "assert b'socket:' not in listed, listed",
            ),
        )
        self.assert_finished(self.engine.run("one"))

    def test_an_asset_may_close_its_streams(self):
        self.engine.write(
            "one", asset_one=asset("import sys", "sys.stdout.close()", "sys.stderr = None", "self.asset.save_info('x')")
        )
        self.assert_finished(self.engine.run("one"))

    def test_threads_may_call_at_once(self):
        self.engine.write(
            "one",
            asset_one=asset(
                "import threading",
                "def work(n):",
                "    for _ in range(50):",
                "        assert self.asset.check_args(str(n), default=object()) == n",
                "        done.append(n)",
                "done = []",
                "threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]",
                "[t.start() for t in threads]",
                "[t.join() for t in threads]",
                "assert len(done) == 400, len(done)",
            ),
        )
        self.assert_finished(self.engine.run("one", {str(n): n for n in range(8)}))

    def test_a_thread_that_outlives_its_step_can_call_no_more(self):
        self.engine.write(
            "one",
            asset_one=asset(
                "import sys, threading",
                "def work():",
                "    gate.wait()",
                "    try:",
                "        self.asset.save_info('late')",
                "    except RuntimeError as e:",
                "        sys.late = str(e)",
                "sys.gate = gate = threading.Event()",
                "sys.thread = threading.Thread(target=work)",
                "sys.thread.start()",
            ),
        )
        self.engine.write(
            "next", asset_next=asset("import sys", "sys.gate.set()", "sys.thread.join()", "assert 'ended' in sys.late")
        )
        self.assert_finished(self.engine.run("one"))
        self.assert_finished(self.engine.run("next"))
        self.assertEqual(self.engine.called("log"), [])


class Children(WorkerTest):
    def test_a_forked_child_cannot_speak_for_the_step(self):
        self.engine.write(
            "one",
            asset_one=asset(
                "import os",
                "read, write = os.pipe()",
                "pid = os.fork()",
                "if pid == 0:",
                "    try:",
                "        self.asset.save_info('from the child')",
                "    except RuntimeError as e:",
                "        os.write(write, str(e).encode())",
                "    os._exit(7)",
                "assert os.waitpid(pid, 0)[1] >> 8 == 7",
                "assert b'child process' in os.read(read, 1000)",
                "self.asset.save_info('from the step')",
            ),
        )
        self.assert_finished(self.engine.run("one"))
        self.assertEqual([call["arguments"]["message"] for call in self.engine.called("log")], ["from the step"])

    def test_a_forked_child_that_returns_from_the_asset_just_ends(self):
        self.engine.write(
            "one",
            asset_one=asset(
                "import os, sys",
                "if os.fork() == 0:",
                "    return",
                "if os.fork() == 0:",
                "    raise ValueError('in the child')",
                "if os.fork() == 0:",
                "    sys.exit(5)",
                "codes = sorted(os.wait()[1] >> 8 for _ in range(3))",
                "assert codes == [0, 1, 5], codes",
            ),
        )
        self.assert_finished(self.engine.run("one"))
        self.assertIn("ValueError: in the child", self.engine.output("stderr"))
        self.assertEqual(len(self.engine.called("save_data")), 1)

    def test_multiprocessing_runs_functions_of_the_asset(self):
        for method in ("fork", "spawn", "forkserver"):
            with self.subTest(method):
                self.engine.write(
                    "one",
                    asset_one="import multiprocessing\nimport helper\n"
                    "def double(n):\n    return 2 * helper.same(n)\n\n"
                    + asset(
                        "with multiprocessing.get_context(%r).Pool(2) as pool:" % method,
                        "    assert pool.map(double, range(4)) == [0, 2, 4, 6]",
                    ),
                    helper="def same(n):\n    return n\n",
                )
                self.assert_finished(self.engine.run("one"))
        self.assertEqual(self.engine.output("stderr"), "")

    def test_an_asset_goes_to_worker_processes_with_its_methods(self):
        for method in ("fork", "spawn"):
            with self.subTest(method):
                work = "    def work(self, n):\n        return n * self.asset_args['factor']\n\n    def late(self, n):\n        self.load_args()\n\n"
                self.engine.write(
                    "one",
                    asset_one="import copy, multiprocessing\n"
                    + asset(
                        "self.asset.save_info('before')",
                        "with multiprocessing.get_context(%r).Pool(2) as pool:" % method,
                        "    assert pool.map(self.work, range(3)) == [0, 5, 10]",
                        "    try:",
                        "        pool.map(self.late, [1])",
                        "    except RuntimeError as e:",
                        "        assert 'child process' in str(e), e",
                        "copy.deepcopy(self).save_info('after')",
                    ).replace("    @Asset.decorator_run\n", work + "    @Asset.decorator_run\n"),
                )
                self.assert_finished(self.engine.run("one", {"factor": 5}))
        self.assertEqual([call["arguments"]["message"] for call in self.engine.called("log")], ["before", "after"] * 2)

    def test_an_asset_outside_of_a_run_says_so(self):
        self.engine.write(
            "one",
            asset_one=asset(
                "import os, subprocess, sys",
                "python = os.pathsep.join(p for p in sys.path if p)",
                "code = 'import asset_one; asset_one.UserAsset(None)'",
                "done = subprocess.run([sys.executable, '-c', code], env=dict(os.environ, PYTHONPATH=python), stderr=subprocess.PIPE)",
                "assert b'inside of `alo run`' in done.stderr, done.stderr",
            ),
        )
        self.assert_finished(self.engine.run("one"))


if __name__ == "__main__":
    unittest.main()
