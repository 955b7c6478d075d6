"""Every task once on a real picture: `python -m benchmarks.gallery DATA OUT [NAME...]`.

DATA is the folder of benchmark images, OUT the folder of `benchmarks.degrade`; results and records go into OUT/gallery.
What is recorded there already is not run again.
"""

import subprocess
import sys
from pathlib import Path

ROWS = {
    "f16-quick": "denoise {out}/f16-sigma25.tif --reference {out}/f16.png",
    "house-quick": "denoise {out}/house-sigma25.tif --reference {out}/house.png",
    "kodim03-quick": "denoise {out}/kodim03-sigma25.tif --reference {out}/kodim03.png",
    "f16-sigma": "denoise {out}/f16-sigma25.tif --reference {out}/f16.png --sigma 25",
    "house-sigma": "denoise {out}/house-sigma25.tif --reference {out}/house.png --sigma 25",
    "kodim03-sigma": "denoise {out}/kodim03-sigma25.tif --reference {out}/kodim03.png --sigma 25",
    "f16-dejpeg": "dejpeg {out}/f16-q10.jpg --reference {out}/f16.png",
    "snail": "dejpeg {data}/demo/snail.jpg",
    "butterfly": "upscale {out}/butterfly-small.png --factor 4 --reference {out}/butterfly.png",
    "house-half": "inpaint {out}/house-half.png {out}/house-half-mask.png --holes random"
    " --reference {out}/house-gray.png",
    "kate": "inpaint {data}/demo/kate.png {data}/demo/kate_mask.png",
    "library": "inpaint {data}/demo/library.png {data}/demo/library_mask.png --holes large",
    "vase": "inpaint {data}/demo/vase.png {data}/demo/vase_mask.png --holes large",
    "monkey-enhanced": "enhance {data}/demo/monkey.jpg",
    "cave": "flash {data}/demo/cave_noflash.jpg {data}/demo/cave_flash.jpg",
}


def main(data: str, out: str, *names: str) -> None:
    folder = Path(out, "gallery")
    folder.mkdir(exist_ok=True)
    for name in names or ROWS:
        arguments = ROWS[name].format(data=data, out=out).split()
        ending = ".tif" if ".tif" in arguments[1] else ".png"
        result, record = folder / (name + ending), folder / (name + ".json")
        if not record.exists():
            command = ["dip", *arguments, "-o", str(result), "--record", str(record), "--overwrite"]
            print(" ".join(command), flush=True)
            subprocess.run([sys.executable, "-m", "deep_image_prior", *command[1:]], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
