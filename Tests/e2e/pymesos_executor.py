"""A custom executor on pymesos: writes what the scheduler asks for into its volume."""
import os
import sys
from threading import Thread

from pymesos import Executor, MesosExecutorDriver, decode_data


class Writer(Executor):
    def launchTask(self, driver, task):
        Thread(target=self.work, args=(driver, task), daemon=True).start()

    def work(self, driver, task):
        def tell(state, **more):
            driver.sendStatusUpdate({"task_id": task["task_id"], "state": state, **more})
        tell("TASK_RUNNING")
        text = decode_data(task["data"]).decode()
        with open(os.path.join(os.environ["MESOS_SANDBOX"], "data", "row"), "a+") as file:
            file.write(text + "\n")
            file.seek(0)
            lines = file.read().split()
        tell("TASK_FINISHED", message=",".join(lines))


if __name__ == "__main__":
    sys.stderr.write("executor starts\n")
    MesosExecutorDriver(Writer()).run()
