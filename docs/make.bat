@ECHO OFF
pushd %~dp0
if "%1" == "" (
    sphinx-build -W -n --keep-going -b html . _build/html
) else (
    sphinx-build -W -n --keep-going -b %1 . _build/%1
)
popd
