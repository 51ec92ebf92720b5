"""What this step does, in one line."""

from alolib.asset import Asset


class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        # What the plan gives: self.asset.check_args("name", is_required=False, default="", chng_type="str")
        self.args = self.asset.load_args()
        # What earlier steps hand on. In the first step both are empty.
        self.config = self.asset.load_config()
        self.data = self.asset.load_data()

    @Asset.decorator_run
    def run(self):
        # Files:   self.asset.get_input_path(), get_model_path(), get_output_path(), get_extra_output_path()
        # Report:  self.asset.get_report_path(), in the train pipeline
        # Result:  self.asset.save_summary(result="OK", score=0.9, note="", probability={})
        # Log:     self.asset.save_info("message"), save_warning("message"), save_error("message") ends the run

        # Hand on to the next step, exactly once each. Keys that came in must stay.
        self.asset.save_data(self.data)
        self.asset.save_config(self.config)
